import { encoderName } from "../../app/encoders.ts";
import { describeLoss } from "../../domain/loss.ts";
import { describeBatches, describeBest, describeMemory, describeTuning } from "../../domain/tuning.ts";
import { useApp } from "../context.ts";
import { counted } from "../parts/format.ts";
import { LearnFromDocuments } from "../parts/learnFromDocuments.tsx";
import { Place } from "../parts/place.tsx";
import { RunButton } from "../parts/runButton.tsx";
import { Term } from "../parts/term.tsx";
import { pairWords } from "../parts/words.ts";
import { LiveView } from "./liveView.tsx";
import { RecipeForm } from "./recipeForm.tsx";

const ratioWords = {
  instances: "share of the queries",
  perFound: "synthetic for each found",
  share: "synthetic among all",
} as const;

export function TrainPlace() {
  const app = useApp();
  return (
    <Place
      title="Train"
      purpose={
        <>
          The recipe, and the run as it goes: the <Term word="encoder" /> is measured, fine-tuned and measured again.
          The defaults are a good start; press Run.
        </>
      }
      action={<RunButton />}
    >
      <LearnFromDocuments />
      <div class="two">
        <LiveView />
        {app.run.phase.value === "idle" ? <RecipeForm /> : <RecipeInUse />}
      </div>
    </Place>
  );
}

/** While a run goes on its recipe stands; the form would suggest that it could still be changed. */
function RecipeInUse() {
  const app = useApp();
  const record = app.run.record.value;
  if (!record) return null;
  const { config, guide } = record;
  const { ratio, gate } = config;
  const entries: readonly (readonly [string, string])[] = [
    ["Collection", record.collectionName],
    ["Encoder", record.encoderName],
    // A recipe that was stored by an older version of the page has no such key.
    ...(config.pairs && config.pairs !== "queries" ? [["Training pairs", pairWords[config.pairs]] as const] : []),
    ["Negatives", config.negatives.map(({ source, count }) => `${count} ${source}`).join(", ")],
    ["Mix", ratio ? `${config.mix}, ratio ${ratio.value} (${ratioWords[ratio.reading]})` : config.mix],
    ...(gate ? [["Gate", `${gate.filter} ${gate.value}`] as const] : []),
    ...(guide === undefined ? [] : [["Guide", encoderName(app, guide)] as const]),
    ["Length", config.steps === undefined ? counted(config.epochs, "epoch") : counted(config.steps, "step")],
    ["Trains", describeTuning(config)],
    ["Batches", describeBatches(config)],
    ["Learning rate", String(config.learningRate ?? "by the encoder")],
    ["Loss", describeLoss(config)],
    ["Memory", describeMemory(config)],
    ["Kept", describeBest(config)],
    ["Seed", String(config.seed)],
  ];
  return (
    <section aria-labelledby="recipe">
      <h2 id="recipe">Recipe of {record.name}</h2>
      <dl class="facts">
        {entries
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
