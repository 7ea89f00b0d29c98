/** Always there while a run goes on or waits: stage, progress, time left, and the four controls. */
import type { App } from "../../app/app.ts";
import { timeLeft } from "../../app/estimate.ts";
import { attempt } from "../../app/notices.ts";
import { pauseRun, resumeRun, resumeUnsaved, stepRun, stopRun } from "../../app/run.ts";
import { currentStage } from "../../app/runState.ts";
import { useApp } from "../context.ts";
import { Meter, progressWords } from "../parts/meter.tsx";
import { phaseWords, stageShort, stageWords } from "../parts/words.ts";
import { timeLeftWords } from "../training/timeLeft.ts";

export function RunBar() {
  const { run } = useApp();
  if (run.phase.value === "idle") return null;
  const stage = currentStage(run);
  const progress = stage && run.stages.value[stage].progress;
  return (
    <section class="run-bar" aria-label="Run">
      <Unsaved />
      <p class="hidden" role="status">
        {stage ? `${stageWords[stage]}: ${phaseWords[run.phase.value]}` : phaseWords[run.phase.value]}
      </p>
      <div class="run-line">
        <p class="run-words">
          <RunWords />
        </p>
        {run.phase.value !== "paused" || progress ? <Meter label="Progress of this stage" progress={progress} /> : null}
        <Controls />
      </div>
    </section>
  );
}

function RunWords() {
  const { run } = useApp();
  const stage = currentStage(run);
  if (!stage) return <WaitingWords />;
  const view = run.stages.value[stage];
  const running = run.phase.value === "running";
  const phase = phaseWords[run.phase.value];
  const left = running ? timeLeft(run, stage) : undefined;
  return (
    <>
      <strong class="wide-only">{running ? stageWords[stage] : `${phase}: ${stageWords[stage]}`}</strong>
      <strong class="narrow-only">{running ? stageShort[stage] : phase}</strong>
      {/* A phone has room for one of the two, and the bar beside it shows the progress too. */}
      {view.progress && <span {...(left && { class: "wide-only" })}> {progressWords(view.progress)}</span>}
      {left && <span class="quiet"> {timeLeftWords(left)}</span>}
    </>
  );
}

/** Before the first stage has begun, and for a run of an earlier visit. */
function WaitingWords() {
  const { phase, record, steps } = useApp().run;
  const name = record.value?.name ?? "The run";
  const last = steps.value.at(-1);
  if (phase.value !== "paused")
    return (
      <strong>
        {phaseWords[phase.value]} {name}
      </strong>
    );
  return (
    <>
      <strong>
        {name} is paused{last && ` at step ${last.step} of ${last.steps}`}
      </strong>
      <span class="quiet wide-only">
        {" "}
        Resume goes on {last ? "from this checkpoint" : "with the products of the stages that were done"}.
      </span>
    </>
  );
}

/** Pausing takes effect when the work at hand is done; meanwhile nothing more can be asked but to stop. */
function Controls() {
  const app = useApp();
  const phase = app.run.phase.value;
  const paused = phase === "paused";
  const busy = phase === "pausing" || phase === "stopping";
  const ask = (act: (app: App) => Promise<void>) => () => void attempt(app, () => act(app));
  return (
    <div class="buttons">
      {paused ? (
        <button type="button" onClick={ask(resumeRun)}>
          Resume
        </button>
      ) : (
        <button type="button" disabled={busy} onClick={() => pauseRun(app)}>
          Pause
        </button>
      )}
      <button type="button" disabled={busy} onClick={ask(stepRun)}>
        Step
      </button>
      <button type="button" disabled={phase === "stopping"} onClick={ask(stopRun)}>
        Stop
      </button>
    </div>
  );
}

function Unsaved() {
  const app = useApp();
  const { unsaved, phase } = app.run;
  if (unsaved.value === undefined) return null;
  return (
    <div class="notice problem" role="alert">
      <p class="notice-text">
        {unsaved.value} The run waits, nothing of it is lost while this page stays open. Resume tries to save again.
      </p>
      {phase.value === "paused" && (
        <button type="button" onClick={() => void attempt(app, () => resumeUnsaved(app))}>
          Go on without saving
        </button>
      )}
    </div>
  );
}
