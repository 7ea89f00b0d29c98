/** Past runs, and what the shown one came to. */
import { shownRun } from "../../app/runs.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { Mark } from "../parts/mark.tsx";
import { Place } from "../parts/place.tsx";
import { statusWords } from "../parts/words.ts";
import { DownloadEncoder } from "./downloadEncoder.tsx";
import { ExportRun } from "./exportRun.tsx";
import { ResultView } from "./resultView.tsx";
import { RunList } from "./runList.tsx";
import { UploadBox } from "./uploadBox.tsx";

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
          <UploadBox subject={{ kind: "encoder", run }} label="Send the encoder to the Hugging Face hub" />
        </>
      ) : (
        <p class="prose">
          {run.failure ?? `${statusWords[run.status]}. There are no results: they come at the end of a run.`}
        </p>
      )}
    </section>
  );
}
