/** Past runs: one is shown, several can be set side by side in a report. */
import { useState } from "preact/hooks";
import { showRowsOf } from "../../app/decoys.ts";
import { exportReport } from "../../app/exports.ts";
import { attempt, attemptTask } from "../../app/notices.ts";
import { goTo } from "../../app/places.ts";
import { takeUp } from "../../app/run.ts";
import { isActive, removeRun, showResults } from "../../app/runs.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { moment } from "../parts/format.ts";
import { statusWords } from "../parts/words.ts";

/** Undefined where there is nothing to set beside it. */
type Choose = { readonly chosen: boolean; readonly set: (chosen: boolean) => void } | undefined;

export function RunList({ shown }: { readonly shown: RunRecord | undefined }) {
  const { runs } = useApp();
  const [ids, setIds] = useState<ReadonlySet<RunRecord["id"]>>(new Set());
  const finished = runs.value.filter(({ result }) => result !== undefined);
  const chosen = finished.filter(({ id }) => ids.has(id));
  const choose = ({ id, result }: RunRecord): Choose =>
    finished.length < 2 || !result
      ? undefined
      : {
          chosen: ids.has(id),
          set: (on) => setIds(new Set(on ? [...ids, id] : [...ids].filter((other) => other !== id))),
        };
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">Runs</h2>
      <ul class="rows">
        {runs.value.map((run) => (
          <RunRow key={run.id} run={run} shown={run.id === shown?.id} choose={choose(run)} />
        ))}
      </ul>
      {finished.length > 1 && <Compare chosen={chosen} />}
    </section>
  );
}

/** The same report as of one run, of several. */
function Compare({ chosen }: { readonly chosen: readonly RunRecord[] }) {
  const app = useApp();
  const write = (): Promise<void> =>
    attemptTask(app, "Writing the report", async () => {
      const { reportHtml } = await import("../report/reportHtml.tsx");
      await exportReport(app, chosen, reportHtml);
    });
  const few = chosen.length < 2;
  return (
    <div class="buttons">
      <button type="button" disabled={few || app.task.value !== undefined} onClick={() => void write()}>
        Compare in a report
      </button>
      <span class="quiet">
        {few ? "Tick two runs or more" : `${chosen.length} runs`}: what differs, their scores, and paired tests, as one
        HTML file
      </span>
    </div>
  );
}

interface RunRowProps {
  readonly run: RunRecord;
  readonly shown: boolean;
  readonly choose: Choose;
}

function RunRow({ run, shown, choose }: RunRowProps) {
  const app = useApp();
  const active = isActive(app, run);
  const free = app.writable.value && app.run.phase.value === "idle";
  const canGoOn = !active && (run.status === "stopped" || run.status === "failed" || run.status === "paused");
  return (
    <li>
      {choose && (
        <input
          type="checkbox"
          aria-label={`Compare ${run.name}, ${moment(run.createdAt)}`}
          checked={choose.chosen}
          onChange={({ currentTarget }) => choose.set(currentTarget.checked)}
        />
      )}
      <button type="button" class="plain" aria-pressed={shown} onClick={() => showResults(app, run)}>
        {run.name}
      </button>
      <span>
        {run.collectionName}, {run.encoderName}
      </span>
      <span class="quiet">
        {statusWords[run.status]}, {moment(run.createdAt)}
      </span>
      <span class="buttons">
        <button
          type="button"
          class="plain"
          onClick={() =>
            void attempt(app, async () => {
              await showRowsOf(app, run);
              goTo(app, "decoys");
            })
          }
        >
          Its decoys<span class="hidden"> ({run.name})</span>
        </button>
        {canGoOn && (
          <button
            type="button"
            class="plain"
            disabled={!free}
            onClick={() => void attempt(app, () => takeUp(app, run))}
          >
            Take up again<span class="hidden"> ({run.name})</span>
          </button>
        )}
        <button
          type="button"
          class="plain"
          disabled={!app.writable.value || active}
          onClick={() => removeRun(app, run)}
        >
          Remove<span class="hidden"> {run.name}</span>
        </button>
      </span>
    </li>
  );
}
