/** Having a language model write decoys. */
import {
  canGenerate,
  type GenerationProgress,
  paceOf,
  resumeGeneration,
  startGeneration,
  stopGeneration,
} from "../../app/generation.ts";
import { attempt } from "../../app/notices.ts";
import { trouble } from "../../app/rejected.ts";
import { topicsOf } from "../../app/topics.ts";
import { useApp } from "../context.ts";
import { counted, duration, whole } from "../parts/format.ts";
import { flawAdvice, flawWords, providerWords } from "../parts/words.ts";
import { ModelPicker } from "./modelPicker.tsx";
import { PromptForm } from "./promptForm.tsx";
import { RejectedAnswers } from "./rejectedAnswers.tsx";
import { RequestPreview } from "./requestPreview.tsx";

export function WriteView() {
  return (
    <>
      <Unfinished />
      <Start />
      <Figures />
      <div class="two">
        <div class="stack">
          <ModelPicker label="Where the decoys come from" recorded />
          <PromptForm />
        </div>
        <RequestPreview />
      </div>
      <RejectedAnswers />
    </>
  );
}

function Start() {
  const app = useApp();
  const { collections, drafts, generation, run } = app;
  const open = collections.open.value;
  const queries = open ? topicsOf(open.collection).length : 0;
  const perQuery = generation.form.generation.value?.perQuery;
  const written = drafts.list.value.filter(({ outcome, source }) => outcome !== "rejected" && source === "synthetic");
  return (
    <div class="start">
      <p class="prose">
        {perQuery === undefined
          ? "One of the fields below is wrong."
          : `Asks for ${counted(perQuery, "decoy")} for each of ${counted(queries, "training query", "training queries")}.`}{" "}
        {written.length > 0 &&
          `${counted(written.length, "decoy is", "decoys are")} written; the same is not asked for twice.`}
        {run.phase.value !== "idle" && run.phase.value !== "paused" && " A run is under way: it has the graphics card."}
      </p>
      <button
        type="button"
        class="primary"
        disabled={!canGenerate(app)}
        onClick={() => void attempt(app, () => startGeneration(app))}
      >
        Start
      </button>
    </div>
  );
}

/** An earlier visit ended in the middle: going on asks only for what is missing. */
function Unfinished() {
  const app = useApp();
  const asked = app.drafts.asked.value;
  const open = app.collections.open.value;
  if (asked?.status !== "unfinished" || app.work.phase.value !== "idle" || !open) return null;
  const total = topicsOf(open.collection).length * asked.generation.perQuery;
  const written = app.drafts.list.value.filter(
    ({ outcome, source }) => outcome !== "rejected" && source === "synthetic",
  ).length;
  const { provider } = asked;
  const model = "model" in provider ? provider.model : providerWords[provider.provider];
  return (
    <div class="notice" role="status">
      <p class="notice-text">
        Writing was cut short: {whole(Math.min(written, total))} of {counted(total, "decoy")} are there. Going on asks{" "}
        {model} for the rest, with the recipe of then.
        {provider.provider === "endpoint" && ` Text leaves this tab for ${hostOf(provider.url)}.`}
        {provider.provider === "endpoint" && " If the endpoint wants a key, type it below first."}
      </p>
      <div class="buttons">
        <button type="button" onClick={() => void attempt(app, () => resumeGeneration(app))}>
          Go on
        </button>
        <button type="button" class="plain" onClick={() => void attempt(app, () => stopGeneration(app))}>
          Leave it at that
        </button>
      </div>
    </div>
  );
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

function Figures() {
  const { generation, work } = useApp();
  const progress = generation.progress.value;
  if (!progress || progress.total === 0) return null;
  const running = work.phase.value !== "idle" && work.kind.value === "generate";
  const { accepted, repaired, rejected } = progress;
  const info = work.model.value;
  return (
    <section aria-labelledby="writing">
      <h2 id="writing">
        {running ? "Writing" : "Written in this visit"} for {progress.collectionName}
      </h2>
      {running && info && (
        <p class={info.leavesTab ? "leaving" : "quiet prose"} role="note">
          {info.id}.{" "}
          {info.leavesTab && <strong>Text leaves this tab{info.to !== undefined && ` for ${info.to}`}. </strong>}
          {!info.reproducible && "Not reproducible: the same seed may give other decoys another time."}
        </p>
      )}
      <dl class="figures">
        {figuresOf(progress, running).map(([name, value, more]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value} <span class="quiet">{more}</span>
            </dd>
          </div>
        ))}
      </dl>
      <Trouble />
      <p class="quiet">
        {whole(accepted)} accepted as they came, {whole(repaired)} mended, {whole(rejected)} rejected.
      </p>
    </section>
  );
}

/** Said while there is still time to stop. */
function Trouble() {
  const found = trouble(useApp().drafts.list.value);
  if (!found) return null;
  return (
    <p class="notice" role="status">
      {whole(found.rejected)} of the last 20 answers were rejected, most of them: {flawWords[found.flaw]}.{" "}
      {flawAdvice[found.flaw] ?? "Read a few below, then change the prompt or choose a larger model."}
    </p>
  );
}

function figuresOf(progress: GenerationProgress, running: boolean): (readonly [string, string, string])[] {
  const { done, total, promptTokens, completionTokens } = progress;
  if (progress.recorded) return [["Decoys", whole(done), `of ${whole(total)}, looked up: no model was asked`]];
  const { tokensPerSecond, draftsPerMinute, secondsLeft } = paceOf(progress);
  const speed = tokensPerSecond === undefined ? "–" : whole(tokensPerSecond);
  const few = draftsPerMinute !== undefined && draftsPerMinute < 10;
  const drafts = draftsPerMinute === undefined ? "–" : few ? draftsPerMinute.toFixed(1) : whole(draftsPerMinute);
  const left = secondsLeft === undefined || !running ? "–" : duration(secondsLeft);
  return [
    ["Decoys", whole(done), `of ${whole(total)}`],
    ["Decoys a minute", drafts, `${speed} tokens/s`],
    ["Time left", left, ""],
    ["Tokens", whole(promptTokens + completionTokens), `${whole(promptTokens)} in, ${whole(completionTokens)} out`],
  ];
}
