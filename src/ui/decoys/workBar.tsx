/** Always there while a language model works or waits, whichever place is shown. */
import { paceOf, resumeGeneration, stopGeneration } from "../../app/generation.ts";
import { pauseWork } from "../../app/modelWork.ts";
import { attempt } from "../../app/notices.ts";
import { useApp } from "../context.ts";
import { duration, size, whole } from "../parts/format.ts";
import { workPhaseWords, workWords } from "../parts/words.ts";

export function WorkBar() {
  const { work } = useApp();
  if (work.phase.value === "idle" || work.kind.value === undefined) return null;
  return (
    <section class="run-bar" aria-label={workWords[work.kind.value]}>
      <p class="hidden" role="status">
        {workWords[work.kind.value]}: {workPhaseWords[work.phase.value]}
      </p>
      {work.problem.value !== undefined && (
        <p class="notice problem" role="alert">
          {work.problem.value} The model waits; what it wrote is not lost while this page stays open. Resume tries to
          save again.
        </p>
      )}
      <div class="run-line">
        <p class="run-words">
          <Words />
        </p>
        <Bar />
        <Controls />
      </div>
    </section>
  );
}

interface Done {
  readonly done: number;
  readonly total: number;
}

/** How far the work at hand has come; undefined while nobody knows. */
function useProgress(): Done | undefined {
  const { work, generation, judging, queries } = useApp();
  const opening = work.opening.value;
  if (opening) return opening;
  switch (work.kind.value) {
    case "generate": {
      const progress = generation.progress.value;
      return progress && progress.total > 0 ? progress : undefined;
    }
    case "judge":
      return judging.progress.value;
    case "queries":
      return { done: queries.written.value.length, total: queries.total.value };
    case "domains":
    case undefined:
      return undefined;
    default:
      return work.kind.value satisfies never;
  }
}

function Words() {
  const { work, generation } = useApp();
  const progress = useProgress();
  const opening = work.opening.value;
  const kind = work.kind.value;
  const phase = workPhaseWords[work.phase.value];
  if (opening) return <OpeningWords />;
  const left =
    kind === "generate" && generation.progress.value ? paceOf(generation.progress.value).secondsLeft : undefined;
  return (
    <>
      <strong>{phase || (kind && workWords[kind])}</strong>
      {progress && (
        <span>
          {" "}
          {whole(progress.done)} of {whole(progress.total)}
        </span>
      )}
      {left !== undefined && work.phase.value === "running" && (
        <span class="quiet"> {left < 1 ? "almost done" : `about ${duration(left)} left`}</span>
      )}
    </>
  );
}

/** A share of 1, or bytes. */
function OpeningWords() {
  const { work } = useApp();
  const opening = work.opening.value;
  if (!opening) return null;
  const { done, total, words } = opening;
  return (
    <>
      <strong>{workPhaseWords[work.phase.value] || "Getting ready"}</strong>
      <span class="quiet wide-only">
        {" "}
        {words}
        {total > 1e5 && ` ${size(done)} of ${size(total)}`}
      </span>
    </>
  );
}

function Bar() {
  const progress = useProgress();
  if (!progress || progress.total <= 0) return <progress class="meter" aria-label="Progress of the model" />;
  const { done, total } = progress;
  return <progress class="meter" aria-label="Progress of the model" value={Math.min(done, total)} max={total} />;
}

function Controls() {
  const app = useApp();
  const phase = app.work.phase.value;
  return (
    <div class="buttons">
      {phase === "paused" ? (
        <button type="button" onClick={() => void attempt(app, () => resumeGeneration(app))}>
          Resume
        </button>
      ) : (
        <button type="button" disabled={phase === "pausing" || phase === "stopping"} onClick={() => pauseWork(app)}>
          Pause
        </button>
      )}
      <button
        type="button"
        disabled={phase === "stopping"}
        onClick={() => void attempt(app, () => stopGeneration(app))}
      >
        Stop
      </button>
    </div>
  );
}
