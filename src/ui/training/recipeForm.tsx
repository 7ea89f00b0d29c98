/** Every choice of a run. The few that matter most first, the rest on demand. */
import { resetRecipe, setField } from "../../app/recipe.ts";
import { chooseEncoder } from "../../app/encoders.ts";
import { attempt } from "../../app/notices.ts";
import { shippedEncoders } from "../../app/shipped.ts";
import { pairSources } from "../../domain/configTraining.ts";
import { useApp } from "../context.ts";
import { Select } from "../parts/select.tsx";
import { pairWords } from "../parts/words.ts";
import { Switch, TextInput } from "./fields.tsx";
import { LossFields } from "./lossFields.tsx";
import { SourceFields } from "./sourceFields.tsx";
import { BatchFields, DevFields, MemoryFields, WhatTrains } from "./trainingFields.tsx";

export function RecipeForm() {
  const app = useApp();
  const { problem } = app.recipe;
  return (
    <section aria-labelledby="recipe">
      <h2 id="recipe">Recipe</h2>
      <form class="recipe" onSubmit={(event) => event.preventDefault()}>
        <EncoderAndEngine />
        <TextInput name="epochs" label="Epochs" word="epoch" />
        <TextInput name="steps" label="Steps" hint="from the epochs" />
        <TextInput name="batchSize" label="Batch size" word="batch size" />
        <TextInput name="learningRate" label="Learning rate" word="learning rate" hint="by the encoder" />
        <TextInput name="temperature" label="Temperature" word="temperature" />
        <TextInput name="bm25Count" label="BM25 negatives a query" word="BM25" />
        <Switch name="inBatch" label="In-batch negatives" word="in-batch negatives" />
        <details class="more-fields">
          <summary>More</summary>
          <More />
        </details>
        <p id="recipe-problem" class="problem-text" role="alert">
          {problem.value}
        </p>
        <button type="button" onClick={() => resetRecipe(app)}>
          Back to the defaults
        </button>
      </form>
    </section>
  );
}

function EncoderAndEngine() {
  const app = useApp();
  const { fields } = app.recipe;
  return (
    <>
      <Select
        label="Encoder"
        word="encoder"
        value={fields.value.encoder}
        options={[
          ...shippedEncoders.map(({ key }) => [key, key] as const),
          ...app.encoders.value.map(({ key, name }): readonly [string, string] => [key, name]),
        ]}
        choose={(key) => void attempt(app, () => chooseEncoder(app, key))}
      />
      <Select
        label="Engine"
        word="WebGPU"
        value={fields.value.engine}
        options={[
          ["auto", "Automatic"],
          ["webgpu", "WebGPU"],
          ["cpu", "CPU"],
        ]}
        choose={(engine) => setField(app, "engine", engine)}
      />
    </>
  );
}

function More() {
  return (
    <div class="recipe">
      <h3>Pairs</h3>
      <Pairs />
      <h3>Negatives</h3>
      <SourceFields />
      <h3>Loss</h3>
      <LossFields />
      <h3>What trains</h3>
      <WhatTrains />
      <h3>Batches</h3>
      <BatchFields />
      <h3>Steps</h3>
      <Steps />
      <h3>Memory</h3>
      <MemoryFields />
      <h3>Dev</h3>
      <DevFields />
      <h3>Texts</h3>
      <Texts />
      <h3>Measuring</h3>
      <TextInput name="split" label="Measured on split" word="judgements" />
      <TextInput name="k" label="Cut-offs" word="nDCG@10" />
      <TextInput name="probes" label="Looks at the decoys" word="probes" />
      <TextInput name="probeRows" label="Rows of a look" word="probes" />
      <TextInput name="varianceBatches" label="Gradient variance over batches" word="gradient variance" />
    </div>
  );
}

function Pairs() {
  const app = useApp();
  return (
    <Select
      label="Training pairs"
      word="training pairs"
      value={app.recipe.fields.value.pairs}
      options={pairSources.map((source) => [source, pairWords[source]] as const)}
      choose={(pairs) => setField(app, "pairs", pairs)}
    />
  );
}

function Steps() {
  const app = useApp();
  const { schedule } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Schedule"
        value={schedule}
        options={[
          ["linear", "Linear to zero"],
          ["cosine", "Cosine to zero"],
          ["constant", "Constant"],
        ]}
        choose={(chosen) => setField(app, "schedule", chosen)}
      />
      <TextInput name="warmup" label="Warmup" word="warmup" />
      <TextInput name="weightDecay" label="Weight decay" word="weight decay" />
      <TextInput name="clip" label="Gradient clipping" word="clipping" />
      <TextInput name="seed" label="Seed" word="seed" />
    </>
  );
}

function Texts() {
  const app = useApp();
  return (
    <>
      <TextInput name="maxQueryTokens" label="Longest query, tokens" />
      <TextInput name="maxDocumentTokens" label="Longest document, tokens" />
      <Select
        label="Pooling"
        word="pooling"
        value={app.recipe.fields.value.pooling}
        options={[
          ["", "The encoder's own"],
          ["mean", "Mean"],
          ["cls", "First token"],
        ]}
        choose={(pooling) => setField(app, "pooling", pooling)}
      />
      <TextInput name="queryPrefix" label="Query prefix" word="prefix" hint="the encoder's own" />
      <TextInput name="documentPrefix" label="Document prefix" word="prefix" hint="the encoder's own" />
    </>
  );
}
