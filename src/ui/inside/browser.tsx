/** The documents, queries or judgements of the selected collection: searched, listed, each opened in place. */
import { useEffect, useId, useRef } from "preact/hooks";
import { type Book, type BookList, rowCount, searchRows, wantedIn } from "../../app/browsing.ts";
import { useApp } from "../context.ts";
import { whole } from "../parts/format.ts";
import { LongList } from "./longList.tsx";
import { RowDetail } from "./rowDetail.tsx";
import { RowLine } from "./rowLine.tsx";

const nouns: Readonly<Record<BookList, readonly [one: string, many: string]>> = {
  documents: ["document", "documents"],
  queries: ["query", "queries"],
  judgements: ["judgement", "judgements"],
};

const empty: Readonly<Record<BookList, string>> = {
  documents: "This collection has no documents.",
  queries: "This collection has no queries. A language model can write some under Decoys.",
  judgements: "This collection has no judgements: nobody says yet which document answers which query.",
};

export function Browser({ book, name }: { readonly book: Book; readonly name: BookList }) {
  const { browse } = useApp();
  const total = rowCount(book, name);
  const { found, open, target } = browse.lists[name];
  // Gone to once; when the list is shown again, it begins at its top.
  useEffect(() => void (target.value = undefined), []);
  if (total === 0) return <p class="empty">{empty[name]}</p>;
  const places = found.value?.places;
  const wanted = wantedIn(found.value?.words ?? "");
  const placeOf = (row: number): number => places?.[row] ?? row;
  const opened = open.value === undefined ? undefined : places ? places.indexOf(open.value) : open.value;
  return (
    <section aria-labelledby="rows">
      <h2 id="rows" class="hidden">
        {nouns[name][1]}
      </h2>
      <SearchField name={name} />
      <FoundLine name={name} total={total} />
      <LongList
        key={`${name} ${found.value?.words}`}
        label={nouns[name][1]}
        count={places?.length ?? total}
        rowHeight={4.25}
        open={opened === -1 ? undefined : opened}
        target={target.peek()}
        toggle={(row) => {
          const place = placeOf(row);
          open.value = open.value === place ? undefined : place;
        }}
        row={(row) => <RowLine book={book} name={name} place={placeOf(row)} wanted={wanted} />}
        detail={(row) => <RowDetail book={book} name={name} place={placeOf(row)} wanted={wanted} />}
      />
    </section>
  );
}

/** Milliseconds without another letter before it is searched. */
const pause = 120;

function SearchField({ name }: { readonly name: BookList }) {
  const app = useApp();
  const id = useId();
  const timer = useRef<number | undefined>(undefined);
  return (
    <div class="field search-rows">
      <label class="field-label" for={id}>
        Search the {nouns[name][1]}: words, "a phrase", or an id
      </label>
      <input
        id={id}
        type="search"
        autocomplete="off"
        spellcheck={false}
        value={app.browse.lists[name].words.value}
        onInput={({ currentTarget: { value } }) => {
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => void searchRows(app, name, value), pause);
        }}
      />
    </div>
  );
}

function FoundLine({ name, total }: { readonly name: BookList; readonly total: number }) {
  const { found, searching } = useApp().browse.lists[name];
  const [one, many] = nouns[name];
  const all = `${whole(total)} ${total === 1 ? one : many}`;
  const progress = searching.value;
  return (
    <p role="status" class="quiet">
      {progress
        ? `Searching, ${whole(progress.done)} of ${whole(progress.total)}`
        : found.value
          ? `${whole(found.value.places.length)} of ${all}`
          : all}
    </p>
  );
}
