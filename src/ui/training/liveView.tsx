/** The run as it goes: engine, stages, loss curve, figures. */
import { timeLeft, tokensPerSecond } from "../../app/estimate.ts";
import type { StageView } from "../../app/runState.ts";
import { type StageName, stageNames } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { duration, whole } from "../parts/format.ts";
import { DevChart } from "../parts/devChart.tsx";
import { LossChart } from "../parts/lossChart.tsx";
import { memoryWords } from "../parts/memory.ts";
import { progressWords } from "../parts/meter.tsx";
import { Explain } from "../parts/term.tsx";
import { stageWhy, stageWords } from "../parts/words.ts";

export function LiveView() {
  const { run } = useApp();
  return (
    <section aria-labelledby="live">
      <h2 id="live">{run.record.value ? run.record.value.name : "What a run does"}</h2>
      <Engine />
      <ol class="stages">
        {stageNames.map((name) => (
          <Stage key={name} name={name} view={run.stages.value[name]} />
        ))}
      </ol>
      {run.steps.value.length > 0 && <Figures />}
      {run.record.value && <LossChart steps={run.steps.value} />}
      <DevChart
        looks={run.record.value?.dev ?? []}
        steps={run.steps.value.at(-1)?.steps ?? 0}
        ended={run.stages.value.train.state === "done"}
      />
      {run.notes.value.map((note) => (
        <p key={note} class="quiet prose">
          {note}
        </p>
      ))}
    </section>
  );
}

function Engine() {
  const { engine, memory } = useApp().run;
  if (!engine.value) return null;
  const { kind, device, note } = engine.value;
  return (
    <p class="prose">
      Computes on {kind === "webgpu" ? "WebGPU" : "the CPU"} ({device}). {note}{" "}
      {memory.value && memoryWords(memory.value)}
    </p>
  );
}

const stateWords = { waiting: "waiting", running: "running", done: "done" } as const;

function Stage({ name, view }: { readonly name: StageName; readonly view: StageView }) {
  return (
    <li class={`stage ${view.state}`}>
      <StageIcon state={view.state} />
      <span>
        <strong>{stageWords[name]}</strong> <span class="quiet">{stageWhy[name]}</span>
      </span>
      <span class="stage-state">
        <span class="hidden">{stateWords[view.state]} </span>
        {view.state === "running" && view.progress && progressWords(view.progress)}
        {view.state === "done" && view.seconds > 0 && duration(view.seconds)}
      </span>
    </li>
  );
}

function StageIcon({ state }: Pick<StageView, "state">) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <circle
        cx="8"
        cy="8"
        r="6.5"
        fill={state === "done" ? "currentColor" : "none"}
        stroke="currentColor"
        stroke-width="1.5"
      />
      {state === "running" && <circle cx="8" cy="8" r="3" fill="currentColor" />}
      {state === "done" && <path class="tick" d="m5 8.2 2.2 2.2L11.2 6" fill="none" stroke-width="1.75" />}
    </svg>
  );
}

function Figures() {
  const { run } = useApp();
  const { steps } = run;
  const last = steps.value.at(-1);
  if (!last) return null;
  const pace = tokensPerSecond(steps.value);
  const left = timeLeft(run, "train");
  return (
    <dl class="figures">
      <div>
        <dt>Step</dt>
        <dd>
          {whole(last.step)} <span class="quiet">of {whole(last.steps)}</span>
        </dd>
      </div>
      <div>
        <dt>
          Loss <Explain word="loss" />
        </dt>
        <dd>{last.loss.toFixed(3)}</dd>
      </div>
      <div>
        <dt>
          Tokens/s <Explain word="tokens/s" />
        </dt>
        <dd>{pace === undefined ? "–" : whole(pace)}</dd>
      </div>
      <div>
        <dt>Time left</dt>
        <dd>
          {left?.atLeast && <span class="quiet">at least </span>}
          {left ? duration(left.seconds) : "–"}
        </dd>
      </div>
    </dl>
  );
}
