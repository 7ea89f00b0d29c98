/** Every training query with its answer and its decoys. */
import type { App } from "../../app/app.ts";
import { type DecoyRow, rowsPerPage, trainingQueries, trainingRows, writtenRows } from "../../app/decoys.ts";
import { exportRunRows, exportWrittenRows } from "../../app/exports.ts";
import type { RowFormat } from "../../app/exportFiles.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { ExportMenu, rowItems } from "../parts/exportMenu.tsx";
import { UploadBox } from "../results/uploadBox.tsx";
import { counted, whole } from "../parts/format.ts";
import { Mark } from "../parts/mark.tsx";
import { DecoyCard } from "./decoyCard.tsx";

export function RowsView() {
  const app = useApp();
  const { page } = app.decoys;
  const list = decoyList(app, page.value);
  if (!list)
    return (
      <p class="loading">
        <Mark size={32} drifting /> Reading the collection
      </p>
    );
  const first = page.value * rowsPerPage + 1;
  return (
    <>
      <p>{list.about}</p>
      {list.total > 0 && <ExportRows run={list.run} />}
      {list.rows.length === 0 && <Empty />}
      <ol class="decoys" start={first}>
        {list.rows.map((row, index) => (
          <DecoyCard key={first + index} row={row} number={first + index} />
        ))}
      </ol>
      <Pages total={list.total} />
    </>
  );
}

interface DecoyList {
  readonly about: string;
  /** Whose rows these are; undefined where they are those that are written. */
  readonly run: RunRecord | undefined;
  readonly total: number;
  readonly rows: readonly DecoyRow[];
}

/** The rows of the chosen run, else of the run at hand, else what the collection brings; undefined while it is read. */
function decoyList({ collections, decoys, drafts, run }: App, page: number): DecoyList | undefined {
  const collection = collections.open.value?.collection;
  const judged = { drafts: drafts.list.value, verdicts: drafts.verdicts.value };
  const chosen = decoys.shown.value;
  const own = run.record.value?.collection === collections.selected.value;
  const set = chosen ? chosen.trainingSet : own ? run.trainingSet.value : undefined;
  if (set) {
    const record = chosen?.run ?? run.record.value;
    const name = record?.name ?? "the run";
    const about = `The ${counted(set.rows.length, "row")} that ${name} trains on: written decoys mixed with found ones.`;
    return { about, run: record, total: set.rows.length, rows: trainingRows(set, collection, page, judged) };
  }
  if (!collection) return undefined;
  const total = trainingQueries(collection).length;
  const queries = counted(total, "training query", "training queries");
  const about = `${queries} of ${collection.name}, with the decoys that came with it or were written here. A run adds found ones.`;
  return { about, run: undefined, total, rows: writtenRows(collection, page, judged) };
}

function ExportRows({ run }: { readonly run: RunRecord | undefined }) {
  const app = useApp();
  const give = (format: RowFormat): Promise<void> =>
    run ? exportRunRows(app, run, format) : exportWrittenRows(app, format);
  return (
    <ExportMenu label="Export these rows" items={rowItems(give)}>
      <UploadBox subject={{ kind: "rows", run }} label="Send the rows to the Hugging Face hub" />
    </ExportMenu>
  );
}

function Empty() {
  const { collections, decoys } = useApp();
  const judged = Object.keys(collections.open.value?.collection.judgements ?? {}).length > 0;
  return (
    <p class="empty">
      <Mark size={40} />
      {judged ? (
        <span>
          There is nothing here yet: this collection has no judgements named “train”. A run makes its own split and its
          rows appear here.
        </span>
      ) : (
        <span>
          This collection has no judgements: nobody says yet which document answers which query. A language model can{" "}
          <button type="button" class="plain" onClick={() => (decoys.view.value = "queries")}>
            write queries for it
          </button>
          , or a run makes queries of the documents themselves: <a href="#train">go to Train</a>.
        </span>
      )}
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
