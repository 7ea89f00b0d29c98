/** What was read, what was left out and why, before it is kept. */
import { type Draft, discardDraft, downloadRejected, useDraft } from "../../app/collections.ts";
import { attempt } from "../../app/notices.ts";
import { explainColumns } from "../../app/tableMapping.ts";
import type { Collection, RejectedRow } from "../../domain/collection.ts";
import { useApp } from "../context.ts";
import { counted, whole } from "../parts/format.ts";
import { Meter } from "../parts/meter.tsx";
import { LeakNotes } from "./leaks.tsx";

/** More rejected rows than these are in the download. */
const shownRejected = 50;

type ReadDraft = Extract<Draft, { readonly state: "read" | "storing" }>;

export function ImportPreview({ draft }: { readonly draft: ReadDraft }) {
  const app = useApp();
  const { summary, collection } = draft.result;
  const storing = draft.state === "storing";
  const splits = Object.entries(summary.judgements).map(([split, count]) => `${whole(count)} ${split}`);
  return (
    <div class="preview">
      <p>
        <strong>{collection.name}</strong> ({summary.format}): {counted(summary.documents, "document")},{" "}
        {counted(summary.queries, "query", "queries")}, judgements {splits.join(", ") || "none"},{" "}
        {counted(summary.negatives, "decoy")}.{" "}
        {summary.rejected === 0 ? "Every row was read." : `${counted(summary.rejected, "row")} left out.`}
      </p>
      <LeakNotes summary={summary} />
      <Sample collection={collection} />
      {draft.state === "read" && draft.rejectedRows.length > 0 && (
        <Rejected rows={draft.rejectedRows} total={summary.rejected} name={collection.name} />
      )}
      {storing && <Meter label="Keeping the collection" progress={draft.progress} />}
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={storing || !app.writable.value}
          onClick={() => void attempt(app, () => useDraft(app))}
        >
          Use this collection
        </button>
        <button type="button" disabled={storing} onClick={() => discardDraft(app)}>
          Discard
        </button>
        {draft.state === "read" && draft.table && (
          <button type="button" onClick={() => explainColumns(app)}>
            Change the columns
          </button>
        )}
      </div>
    </div>
  );
}

function Sample({ collection }: { readonly collection: Collection }) {
  return (
    <details>
      <summary>The first documents and queries</summary>
      <ul class="sample">
        {collection.documents.slice(0, 3).map(({ id, title, text }) => (
          <li key={id}>
            <code>{id}</code> <strong>{title}</strong> {text.slice(0, 200)}
          </li>
        ))}
        {collection.queries.slice(0, 3).map(({ id, text }) => (
          <li key={id}>
            <code>{id}</code> {text.slice(0, 200)}
          </li>
        ))}
      </ul>
    </details>
  );
}

interface RejectedProps {
  readonly rows: readonly RejectedRow[];
  readonly total: number;
  readonly name: string;
}

function Rejected({ rows, total, name }: RejectedProps) {
  const app = useApp();
  return (
    <div class="rejected">
      <h3>Rows left out</h3>
      <div class="scroll" tabindex={0} role="region" aria-label="Rows left out">
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col" class="number">
                Line
              </th>
              <th scope="col">Why</th>
              <th scope="col">Row</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shownRejected).map((row, index) => (
              <tr key={index}>
                <td>{row.file}</td>
                <td class="number">{row.line === 0 ? "all" : whole(row.line)}</td>
                <td>{row.reason}</td>
                <td>
                  <code class="excerpt">{row.excerpt}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {total > shownRejected && (
        <p class="quiet">
          The first {shownRejected} of {whole(total)}; the download has {whole(rows.length)}.
        </p>
      )}
      <button type="button" onClick={() => downloadRejected(app, rows, name)}>
        Download rejected rows
      </button>
    </div>
  );
}
