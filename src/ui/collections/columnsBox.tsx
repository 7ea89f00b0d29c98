/** What the columns of a table mean, beside its first rows. */
import { type Draft, discardDraft, readMapped } from "../../app/collections.ts";
import { attempt } from "../../app/notices.ts";
import { setForm, setRole } from "../../app/tableMapping.ts";
import {
  type Column,
  type ColumnRole,
  columnRoles,
  type Delimiter,
  delimiters,
  mappingProblem,
  type SeparatedForm,
} from "../../domain/mapping.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import { Select } from "../parts/select.tsx";

type MappingDraft = Extract<Draft, { readonly state: "mapping" }>;

const roleWords: Readonly<Record<ColumnRole, string>> = {
  query: "Query",
  positive: "Positive (the answer)",
  negative: "Negative",
  documentId: "Document id",
  title: "Title",
  text: "Text of a document",
  score: "Score (0: no answer)",
  split: "Split",
  ignore: "Ignore",
};

const delimiterWords: Readonly<Record<Delimiter, string>> = {
  ",": "Comma",
  ";": "Semicolon",
  "\t": "Tab",
  "|": "Bar",
};

export function ColumnsBox({ draft }: { readonly draft: MappingDraft }) {
  const app = useApp();
  const { preview, columns } = draft;
  const problem = mappingProblem(columns);
  return (
    <div class="preview">
      <h3>What do the columns mean?</h3>
      <p class="prose">
        <strong>{preview.path}</strong> ({preview.format}). Choose the query and the passage that answers it; or, if
        these are documents alone, their text. {preview.notes.join(" ")}
      </p>
      {preview.form && <Form form={preview.form} />}
      <Rows draft={draft} />
      <p role="status" class={problem === undefined ? "quiet" : "notice"}>
        {problem ?? readsAs(columns)}
      </p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={problem !== undefined}
          onClick={() => void attempt(app, () => readMapped(app))}
        >
          Read it so
        </button>
        <button type="button" onClick={() => discardDraft(app)}>
          Discard
        </button>
      </div>
    </div>
  );
}

function readsAs(columns: readonly Column[]): string {
  const ignored = columns.filter(({ role }) => role === "ignore").length;
  const what = columns.some(({ role }) => role === "query")
    ? "Each row is read as a query with its answer."
    : "Each row is read as a document.";
  return ignored === 0 ? what : `${what} ${ignored === 1 ? "One column is" : `${ignored} columns are`} ignored.`;
}

function Form({ form }: { readonly form: SeparatedForm }) {
  const app = useApp();
  const change = (changes: Partial<SeparatedForm>): void =>
    void attempt(app, () => setForm(app, { ...form, ...changes }));
  return (
    <div class="columns-form">
      <Select
        label="Between the cells"
        value={form.delimiter}
        options={delimiters.map((delimiter) => [delimiter, delimiterWords[delimiter]] as const)}
        choose={(delimiter) => change({ delimiter })}
      />
      <Checkbox
        label="The first line names the columns"
        checked={form.header}
        change={(header) => change({ header })}
      />
    </div>
  );
}

function Rows({ draft }: { readonly draft: MappingDraft }) {
  const app = useApp();
  const { preview, columns } = draft;
  return (
    <div class="scroll columns" tabindex={0} role="region" aria-label={`The first ${preview.rows.length} rows`}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, role }, place) => (
              <th key={name} scope="col" class={role === "ignore" ? "ignored" : ""}>
                <span class="column-name">{name}</span>
                <select
                  aria-label={`${name} is`}
                  value={role}
                  onChange={({ currentTarget }) => {
                    const chosen = columnRoles[currentTarget.selectedIndex];
                    if (chosen) setRole(app, place, chosen);
                  }}
                >
                  {columnRoles.map((option) => (
                    <option key={option} value={option}>
                      {roleWords[option]}
                    </option>
                  ))}
                </select>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {preview.rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, place) => (
                <td key={place} class={columns[place]?.role === "ignore" ? "ignored" : ""}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
