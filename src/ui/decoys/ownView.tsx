/** A decoy in a person's own words. */
import { useId } from "preact/hooks";
import { attempt } from "../../app/notices.ts";
import { keepOwn, ownDecoysOf, ownTopic, removeOwn, writeOwnFor } from "../../app/ownDecoys.ts";
import { topicsOf } from "../../app/topics.ts";
import type { Topic } from "../../domain/synthesis.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { Mark } from "../parts/mark.tsx";
import { Passage } from "../parts/passage.tsx";
import { TopicPicker } from "./topicPicker.tsx";

export function OwnView() {
  const app = useApp();
  const open = app.collections.open.value;
  const topic = ownTopic(app);
  if (!open || !topic)
    return (
      <p class="empty">
        <Mark size={40} /> This collection has no training query with an answer, so there is nothing to write a decoy
        for yet.
      </p>
    );
  return (
    <>
      <p class="prose">
        Write a passage that looks like the answer and is not: the same topic and words, without what the query asks
        for. It goes through the same checks as a model’s.
      </p>
      <TopicPicker topics={topicsOf(open.collection)} chosen={topic} choose={(id) => writeOwnFor(app, id)} />
      <div class="beside">
        <section>
          <h2>{topic.query.text}</h2>
          <Badge source="positive" />
          <Passage passage={topic.positive} />
        </section>
        <Form />
      </div>
      <Kept topic={topic} />
    </>
  );
}

function Form() {
  const app = useApp();
  const { own } = app;
  const [titleId, textId] = [useId(), useId()];
  const refused = own.refused.value;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt(app, () => keepOwn(app));
      }}
    >
      <div class="field">
        <label class="field-label" for={titleId}>
          Title, may be empty
        </label>
        <input
          id={titleId}
          type="text"
          autocomplete="off"
          value={own.title.value}
          onInput={({ currentTarget }) => (own.title.value = currentTarget.value)}
        />
      </div>
      <div class="field">
        <label class="field-label" for={textId}>
          Your decoy
        </label>
        <textarea
          id={textId}
          rows={8}
          value={own.text.value}
          aria-invalid={refused !== undefined}
          aria-describedby="own-problem"
          onInput={({ currentTarget }) => (own.text.value = currentTarget.value)}
        />
      </div>
      <p id="own-problem" class="problem-text" role="alert">
        {refused && `Not kept. ${refused.notes.map(({ text }) => text).join(" ")} Change it and try again.`}
      </p>
      <div class="buttons">
        <button type="submit" class="primary" disabled={own.text.value.trim() === "" || !app.writable.value}>
          Keep this decoy
        </button>
      </div>
    </form>
  );
}

function Kept({ topic }: { readonly topic: Topic }) {
  const app = useApp();
  const kept = ownDecoysOf(app, topic);
  if (kept.length === 0) return null;
  return (
    <section aria-labelledby="kept">
      <h2 id="kept">Yours for this query</h2>
      <ul class="rejected-list">
        {kept.map((draft) => (
          <li key={draft.key}>
            <Badge source="human" />
            <Passage passage={draft} />
            {draft.notes.map(({ text }) => (
              <p key={text} class="quiet">
                {text}
              </p>
            ))}
            <button
              type="button"
              class="plain"
              disabled={!app.writable.value}
              onClick={() => void attempt(app, () => removeOwn(app, draft))}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
