/** The splits of the selected collection, and how they could be others. */
import { type ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Book } from "../../app/browsing.ts";
import { selectedRecord } from "../../app/collections.ts";
import { attempt } from "../../app/notices.ts";
import { arrangeSplits, becomes, keepSplits, setSplits, splitsForm, usualSplits } from "../../app/splits.ts";
import type { SplitsForm } from "../../app/browse.ts";
import type { Judgements, LeakReport } from "../../domain/collection.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import { whole } from "../parts/format.ts";
import { Select } from "../parts/select.tsx";
import { inOrder } from "../parts/splitOrder.ts";
import { Explain } from "../parts/term.tsx";

export function SplitsView({ book }: { readonly book: Book }) {
  const app = useApp();
  const { browse, collections } = app;
  const { judgements } = book.collection;
  const form = splitsForm(app);
  if (!form || Object.keys(judgements).length === 0)
    return <p class="empty">This collection has no judgements, so there is nothing to split.</p>;
  const made = browse.arranged.value;
  return (
    <>
      <section aria-labelledby="splits-now">
        <h2 id="splits-now">As they are</h2>
        <p class="prose quiet">
          train is learned from; dev and test are measured. A run records which version of a collection it used.
        </p>
        <SplitTable judgements={judgements} leaks={selectedRecord(collections)?.leaks}>
          {(split) => <Becomes split={split} form={form} known={Object.keys(judgements)} />}
        </SplitTable>
      </section>
      <section aria-labelledby="splits-new">
        <h2 id="splits-new">As they could be</h2>
        <HoldOutFields form={form} known={Object.keys(judgements)} />
        <div class="buttons">
          <button
            type="button"
            class={made ? "" : "primary"}
            disabled={browse.arranging.value !== undefined}
            onClick={() => void attempt(app, () => arrangeSplits(app))}
          >
            Work out the splits
          </button>
          <span role="status" class="quiet">
            {browse.arranging.value}
          </span>
        </div>
        {made && <Outcome judgements={made.result.judgements} leaks={made.result.leaks} />}
      </section>
    </>
  );
}

function Outcome({ judgements, leaks }: { readonly judgements: Judgements; readonly leaks: Leaks }) {
  const app = useApp();
  return (
    <div class="stack">
      <SplitTable judgements={judgements} leaks={leaks} />
      <p class="prose quiet">
        It becomes a collection of its own. The one that you have stays as it is, with its runs; decoys and verdicts
        written for these queries come along.
      </p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={!app.writable.value || app.browse.arranging.value !== undefined}
          onClick={() => void attempt(app, () => keepSplits(app))}
        >
          Make it a collection
        </button>
      </div>
    </div>
  );
}

type Leaks = Readonly<Record<string, LeakReport>> | undefined;

interface TableProps {
  readonly judgements: Judgements;
  readonly leaks: Leaks;
  readonly children?: (split: string) => ComponentChildren;
}

function SplitTable({ judgements, leaks, children }: TableProps) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={children ? "Splits" : "New splits"}>
      <table class="splits-table">
        <thead>
          <tr>
            <th scope="col">Split</th>
            {children && <th scope="col">Becomes</th>}
            <th scope="col" class="number">
              Queries
            </th>
            <th scope="col" class="number">
              Judgements
            </th>
            <th scope="col">
              Known from training <Explain word="clean queries" />
            </th>
          </tr>
        </thead>
        <tbody>
          {inOrder(judgements).map(([split, rows]) => (
            <tr key={split}>
              <th scope="row">{split}</th>
              {children && <td class="becomes">{children(split)}</td>}
              <td class="number">{whole(new Set(rows.map(({ queryId }) => queryId)).size)}</td>
              <td class="number">{whole(rows.length)}</td>
              <td>{leakWords(split, leaks)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function leakWords(split: string, leaks: Leaks): string {
  const leak = leaks && Object.hasOwn(leaks, split) ? leaks[split] : undefined;
  if (!leak) return "–";
  const { queries, sharedDocument, nearCopy, clean = 0 } = leak;
  if (clean === queries) return `none of ${whole(queries)}`;
  return `${whole(queries - clean)} of ${whole(queries)}: ${whole(sharedDocument)} by a document, ${whole(nearCopy)} near-copies`;
}

interface BecomesProps {
  readonly split: string;
  readonly form: SplitsForm;
  readonly known: readonly string[];
}

function Becomes({ split, form, known }: BecomesProps) {
  const app = useApp();
  const options = [...new Set([...usualSplits, ...known]), ""];
  return (
    <select
      aria-label={`${split} becomes`}
      value={becomes(form, split)}
      onChange={({ currentTarget }) =>
        setSplits(app, { names: { ...form.names, [split]: options[currentTarget.selectedIndex] ?? split } })
      }
    >
      {options.map((option) => (
        <option key={option} value={option}>
          {option === "" ? "left out" : option}
        </option>
      ))}
    </select>
  );
}

function HoldOutFields({ form, known }: Omit<BecomesProps, "split">) {
  const app = useApp();
  const after = [...new Set(known.map((split) => becomes(form, split)).filter((name) => name !== ""))];
  const asOption = (name: string) => [name, name] as const;
  return (
    <>
      <Checkbox
        label="Hold queries out, so that none shares a relevant document with those that stay"
        checked={form.holds}
        change={(holds) => setSplits(app, { holds })}
      />
      {form.holds && (
        <div class="hold-out">
          <Field label="Percent" value={form.percent} change={(percent) => setSplits(app, { percent })} />
          <Select
            label="Of the queries of"
            value={form.from}
            options={[...new Set([...after, form.from])].map(asOption)}
            choose={(from) => setSplits(app, { from })}
          />
          <Select
            label="Held out as"
            value={form.to}
            options={[...new Set(["dev", "test", ...after.filter((name) => name !== "train")])].map(asOption)}
            choose={(to) => setSplits(app, { to })}
          />
          <Field label="Seed" value={form.seed} change={(seed) => setSplits(app, { seed })} />
        </div>
      )}
    </>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
}

function Field({ label, value, change }: FieldProps) {
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
        value={value}
        onInput={({ currentTarget }) => change(currentTarget.value)}
      />
    </div>
  );
}
