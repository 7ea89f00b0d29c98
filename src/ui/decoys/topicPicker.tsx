/** Chooses one of the training queries, of which there may be thousands: words of it narrow the list. */
import { useId, useState } from "preact/hooks";
import type { QueryId } from "../../domain/ids.ts";
import type { Topic } from "../../domain/synthesis.ts";
import { whole } from "../parts/format.ts";

const mostShown = 50;

interface TopicPickerProps {
  readonly topics: readonly Topic[];
  readonly chosen: Topic;
  readonly choose: (id: QueryId) => void;
}

export function TopicPicker({ topics, chosen, choose }: TopicPickerProps) {
  const [searchId, listId] = [useId(), useId()];
  const [words, setWords] = useState("");
  const sought = words.trim().toLowerCase();
  const fitting = topics.filter(({ query }) => query.text.toLowerCase().includes(sought));
  const shown = fitting.slice(0, mostShown);
  const listed = shown.includes(chosen) ? shown : [chosen, ...shown];
  return (
    <div class="recipe">
      <div class="field">
        <label class="field-label" for={searchId}>
          Find a query
        </label>
        <input
          id={searchId}
          type="search"
          autocomplete="off"
          value={words}
          onInput={({ currentTarget }) => setWords(currentTarget.value)}
        />
      </div>
      <div class="field">
        <label class="field-label" for={listId}>
          Query{" "}
          {fitting.length > mostShown && (
            <span class="quiet">
              first {mostShown} of {whole(fitting.length)}
            </span>
          )}
        </label>
        <select
          id={listId}
          value={chosen.query.id}
          onChange={({ currentTarget }) => {
            const topic = listed[currentTarget.selectedIndex];
            if (topic) choose(topic.query.id);
          }}
        >
          {listed.map(({ query }) => (
            <option key={query.id} value={query.id}>
              {query.text}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
