/** Every training query with its answer and its decoys. */
import { rowsPerPage, trainingQueries, trainingRows, writtenRows } from "../../app/decoys.ts";
import { useApp } from "../context.ts";
import { counted, whole } from "../parts/format.ts";
import { Mark } from "../parts/mark.tsx";
import { Place } from "../parts/place.tsx";
import { Term } from "../parts/term.tsx";
import { DecoyCard } from "./decoyCard.tsx";

export function DecoysPlace() {
  return (
    <Place
      title="Decoys"
      purpose={
        <>
          For each training query its answer, and the <Term word="decoy" label="decoys" /> the encoder must rank below
          it. Read a few: if one answers the query after all, it teaches the wrong thing.
        </>
      }
    >
      <Rows />
    </Place>
  );
}

function Rows() {
  const { collections, decoys, run } = useApp();
  const collection = collections.open.value?.collection;
  const chosen = decoys.shown.value;
  const set = chosen ? chosen.trainingSet : run.trainingSet.value;
  const page = decoys.page.value;
  if (!set && !collection)
    return (
      <p class="loading">
        <Mark size={32} drifting /> Reading the collection
      </p>
    );
  const total = set ? set.rows.length : collection ? trainingQueries(collection).length : 0;
  const rows = set ? trainingRows(set, collection, page) : collection ? writtenRows(collection, page) : [];
  const name = chosen?.run.name ?? run.record.value?.name ?? "the run";
  return (
    <>
      <p>
        {set
          ? `The ${counted(total, "row")} that ${name} trains on: written decoys mixed with found ones.`
          : `${counted(total, "training query", "training queries")} of ${collection?.name ?? ""}, with the decoys that came with it. A run adds found ones.`}
      </p>
      {rows.length === 0 && <Empty />}
      <ol class="decoys" start={page * rowsPerPage + 1}>
        {rows.map((row, index) => (
          <DecoyCard key={`${page} ${index}`} row={row} number={page * rowsPerPage + index + 1} />
        ))}
      </ol>
      <Pages total={total} />
    </>
  );
}

function Empty() {
  return (
    <p class="empty">
      <Mark size={40} /> There is nothing here yet: this collection has no judgements named “train”. A run makes its own
      split and its rows appear here.
    </p>
  );
}

function Pages({ total }: { readonly total: number }) {
  const { page } = useApp().decoys;
  const last = Math.max(0, Math.ceil(total / rowsPerPage) - 1);
  if (last === 0) return null;
  return (
    <nav class="pages" aria-label="Pages of decoys">
      <button type="button" disabled={page.value === 0} onClick={() => (page.value = Math.max(0, page.value - 1))}>
        Previous
      </button>
      <span role="status">
        Page {whole(page.value + 1)} of {whole(last + 1)}
      </span>
      <button type="button" disabled={page.value >= last} onClick={() => (page.value = Math.min(last, page.value + 1))}>
        Next
      </button>
    </nav>
  );
}
