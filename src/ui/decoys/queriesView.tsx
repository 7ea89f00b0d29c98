/** Queries for a collection that has none, or more for one that has some. */
import { type Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { chosenProvider } from "../../app/generationForm.ts";
import { attempt } from "../../app/notices.ts";
import { canWriteQueries, keepQueries, keptQueries, queryNumbers, writeQueries } from "../../app/writeQueries.ts";
import { useApp } from "../context.ts";
import { counted, whole } from "../parts/format.ts";
import { ModelPicker } from "./modelPicker.tsx";

export function QueriesView() {
  return (
    <>
      <Start />
      <div class="two">
        <ModelPicker label="Who writes" recorded={false} />
        <Numbers />
      </div>
      <Written />
    </>
  );
}

function Start() {
  const app = useApp();
  const numbers = queryNumbers(app);
  const documents = app.collections.open.value?.collection.documents.length ?? 0;
  const asked = numbers && Math.min(numbers.documents, documents) * numbers.perDocument;
  return (
    <div class="start">
      <p class="prose">
        A model reads a sample of your documents and writes what somebody might search to find each. A query is kept if
        search finds its document with it. The kept ones become a new collection.{" "}
        {asked !== undefined && `Asks for ${counted(asked, "query", "queries")}.`}
        {chosenProvider(app) === "recorded" && " Recorded answers cannot write queries: choose a model."}
      </p>
      <button
        type="button"
        class={keptQueries(app).length > 0 ? "" : "primary"}
        disabled={!canWriteQueries(app)}
        onClick={() => void attempt(app, () => writeQueries(app))}
      >
        Write queries
      </button>
    </div>
  );
}

function Numbers() {
  const { queries } = useApp();
  return (
    <section aria-labelledby="numbers">
      <h2 id="numbers">How many</h2>
      <div class="recipe">
        <NumberField label="Documents" value={queries.documents} />
        <NumberField label="Queries a document" value={queries.perDocument} />
        <NumberField label="Kept if among the first" value={queries.top} />
      </div>
    </section>
  );
}

function NumberField({ label, value }: { readonly label: string; readonly value: Signal<string> }) {
  const id = useId();
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <input
        id={id}
        type="text"
        inputmode="numeric"
        autocomplete="off"
        aria-invalid={!/^\s*[1-9]\d*\s*$/u.test(value.value)}
        value={value.value}
        onInput={({ currentTarget }) => (value.value = currentTarget.value)}
      />
    </div>
  );
}

const mostShown = 200;

function Written() {
  const app = useApp();
  const { written, about } = app.queries;
  if (written.value.length === 0) return null;
  const kept = keptQueries(app);
  return (
    <section aria-labelledby="written">
      <h2 id="written">Written for {about.value?.collection.name}</h2>
      <p>
        {counted(kept.length, "query is", "queries are")} kept of {whole(written.value.length)}.
      </p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={kept.length === 0 || app.work.kind.value === "queries" || !app.writable.value}
          onClick={() => void attempt(app, () => keepQueries(app))}
        >
          Make them a collection
        </button>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Query</th>
              <th scope="col">Document</th>
              <th scope="col">Kept</th>
            </tr>
          </thead>
          <tbody>
            {written.value.slice(-mostShown).map(({ documentId, text, kept, reason }, index) => (
              <tr key={index}>
                <td>{text}</td>
                <td>
                  <code>{documentId}</code>
                </td>
                <td>
                  {kept ? "yes" : "no"} <span class="quiet">{reason}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
