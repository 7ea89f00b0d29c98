/** Past runs, and what the shown one came to. */
import { showRowsOf } from "../../app/decoys.ts";
import { attempt } from "../../app/notices.ts";
import { goTo } from "../../app/places.ts";
import { takeUp } from "../../app/run.ts";
import { isActive, removeRun, showResults, shownRun } from "../../app/runs.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { moment } from "../parts/format.ts";
import { Mark } from "../parts/mark.tsx";
import { Place } from "../parts/place.tsx";
import { statusWords } from "../parts/words.ts";
import { DownloadEncoder } from "./downloadEncoder.tsx";
import { ExportRun } from "./exportRun.tsx";
import { ResultView } from "./resultView.tsx";

export function ResultsPlace() {
  const app = useApp();
  const run = shownRun(app);
  return (
    <Place
      title="Results"
      purpose="Whether search got better, on queries that the encoder was not trained on. Then try it, or take the encoder with you."
      action={run?.result && <DownloadEncoder run={run} />}
    >
      {run ? <Shown run={run} /> : <Empty />}
      {app.runs.value.length > 0 && <RunList shown={run} />}
    </Place>
  );
}

function Empty() {
  return (
    <p class="empty">
      <Mark size={40} />
      <span>
        No run yet. <a href="#train">Go to Train</a> and press Run.
      </span>
    </p>
  );
}

function Shown({ run }: { readonly run: RunRecord }) {
  return (
    <section aria-labelledby="shown-run">
      <h2 id="shown-run">
        {run.name}: {run.encoderName} on {run.collectionName}
      </h2>
      {run.result ? (
        <>
          <ResultView record={run} result={run.result} />
          <ExportRun run={run} />
        </>
      ) : (
        <p class="prose">
          {run.failure ?? `${statusWords[run.status]}. There are no results: they come at the end of a run.`}
        </p>
      )}
    </section>
  );
}

function RunList({ shown }: { readonly shown: RunRecord | undefined }) {
  const { runs } = useApp();
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">Runs</h2>
      <ul class="rows">
        {runs.value.map((run) => (
          <RunRow key={run.id} run={run} shown={run.id === shown?.id} />
        ))}
      </ul>
    </section>
  );
}

function RunRow({ run, shown }: { readonly run: RunRecord; readonly shown: boolean }) {
  const app = useApp();
  const active = isActive(app, run);
  const free = app.writable.value && app.run.phase.value === "idle";
  const canGoOn = !active && (run.status === "stopped" || run.status === "failed" || run.status === "paused");
  return (
    <li>
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
