/** Every choice of a run. The few that matter most first, the rest on demand. */
import { resetRecipe, setField } from "../../app/recipe.ts";
import { builtIn, builtInEncoderName } from "../../app/shipped.ts";
import { useApp } from "../context.ts";
import { Select } from "../parts/select.tsx";
import { Switch, TextInput } from "./fields.tsx";

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
        <TextInput name="learningRate" label="Learning rate" word="learning rate" />
        <TextInput name="temperature" label="Temperature" word="temperature" />
        <TextInput name="bm25Count" label="Found negatives a query" word="BM25" />
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
          [builtIn, builtInEncoderName],
          ...app.encoders.value.map(({ key, name }): readonly [string, string] => [key, name]),
        ]}
        choose={(key) => setField(app, "encoder", key)}
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
  const app = useApp();
  const { fields } = app.recipe;
  return (
    <div class="recipe">
      <Select
        label="Mix"
        word="mix"
        value={fields.value.mix}
        options={[
          ["hybrid", "Hybrid"],
          ["synthetic", "Synthetic only"],
          ["found", "Found only"],
        ]}
        choose={(mix) => setField(app, "mix", mix)}
      />
      <TextInput name="syntheticCount" label="Synthetic negatives a query" word="synthetic" />
      <TextInput name="bm25First" label="BM25 from rank" />
      <TextInput name="bm25Last" label="BM25 to rank" />
      <TextInput name="randomCount" label="Random negatives a query" />
      <Select
        label="Schedule"
        value={fields.value.schedule}
        options={[
          ["linear", "Linear to zero"],
          ["cosine", "Cosine to zero"],
          ["constant", "Constant"],
        ]}
        choose={(schedule) => setField(app, "schedule", schedule)}
      />
      <TextInput name="warmup" label="Warmup" word="warmup" />
      <TextInput name="weightDecay" label="Weight decay" word="weight decay" />
      <TextInput name="clip" label="Gradient clipping" word="clipping" />
      <TextInput name="maxQueryTokens" label="Longest query, tokens" />
      <TextInput name="maxDocumentTokens" label="Longest document, tokens" />
      <Select
        label="Pooling"
        word="pooling"
        value={fields.value.pooling}
        options={[
          ["", "The encoder's own"],
          ["mean", "Mean"],
          ["cls", "First token"],
        ]}
        choose={(pooling) => setField(app, "pooling", pooling)}
      />
      <TextInput name="queryPrefix" label="Query prefix" word="prefix" hint="the encoder's own" />
      <TextInput name="documentPrefix" label="Document prefix" word="prefix" hint="the encoder's own" />
      <TextInput name="split" label="Measured on split" word="judgements" />
      <TextInput name="k" label="Cut-offs" word="nDCG@10" />
      <TextInput name="seed" label="Seed" word="seed" />
      <Switch name="shuffle" label="New order each epoch" />
    </div>
  );
}
