/** What trains of the encoder, what a step is made of, what saves memory, and what dev decides. */
import { predictMemory, type Prediction } from "../../app/prediction.ts";
import { setField } from "../../app/recipe.ts";
import { useApp } from "../context.ts";
import { Select } from "../parts/select.tsx";
import { memoryWords } from "../parts/memory.ts";
import { Switch, TextInput } from "./fields.tsx";

export function WhatTrains() {
  const app = useApp();
  const { side, lora, loraMatrices, dropout } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Side that trains"
        word="side"
        value={side}
        options={[
          ["both", "Queries and documents"],
          ["queries", "Queries alone"],
        ]}
        choose={(chosen) => setField(app, "side", chosen)}
      />
      <TextInput name="frozenLayers" label="Frozen layers" word="frozen layers" hint="all train" />
      <Switch name="lora" label="Small matrices beside the encoder’s (LoRA)" word="LoRA" />
      {lora && (
        <>
          <TextInput name="loraRank" label="Rank" word="LoRA" />
          <TextInput name="loraAlpha" label="Alpha" word="LoRA" />
          <Select
            label="LoRA in"
            value={loraMatrices}
            options={[
              ["all", "All matrices of a layer"],
              ["attention", "Attention"],
              ["feedForward", "Feed-forward"],
            ]}
            choose={(chosen) => setField(app, "loraMatrices", chosen)}
          />
        </>
      )}
      <Switch name="dropout" label="Dropout" word="dropout" />
      {dropout && (
        <>
          <TextInput name="dropoutHidden" label="Dropout between layers" word="dropout" />
          <TextInput name="dropoutAttention" label="Dropout of attention" word="dropout" />
        </>
      )}
    </>
  );
}

export function BatchFields() {
  const app = useApp();
  const { batches } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Batches"
        word="topic batches"
        value={batches}
        options={[
          ["rows", "In shuffled order"],
          ["topics", "From one topic each"],
        ]}
        choose={(chosen) => setField(app, "batches", chosen)}
      />
      {batches === "topics" && <TextInput name="topics" label="Topics" word="topic batches" />}
      <TextInput name="batchTokens" label="Tokens a batch, at most" word="token budget" hint="no limit" />
      <TextInput name="accumulate" label="Batches a step" word="gradient accumulation" />
      <Switch name="mask" label="Leave known answers out of the in-batch negatives" />
      <Switch name="shuffle" label="New order each epoch" />
    </>
  );
}

export function MemoryFields() {
  const app = useApp();
  const { optimizer, precision } = app.recipe.fields.value;
  return (
    <>
      <TextInput name="microTokens" label="Tokens at once" word="tokens at once" hint="what 1 GiB holds" />
      <Select
        label="Optimiser"
        word="optimiser"
        value={optimizer}
        options={[
          ["adamw", "AdamW"],
          ["adamw16", "AdamW, moments in 16 bits"],
        ]}
        choose={(chosen) => setField(app, "optimizer", chosen)}
      />
      <Select
        label="Precision"
        word="precision"
        value={precision}
        options={[
          ["f32", "32 bits (f32)"],
          ["f16", "16 bits in products (f16)"],
        ]}
        choose={(chosen) => setField(app, "precision", chosen)}
      />
      <Switch name="recompute" label="Make layers again on the way back" word="recomputing" />
      <MemoryLine />
    </>
  );
}

/** Asked for, as it opens the encoder. */
function MemoryLine() {
  const app = useApp();
  const { phase } = app.run;
  return (
    <>
      <button
        type="button"
        disabled={phase.value !== "idle" || app.recipe.config.value === undefined}
        onClick={() => void predictMemory(app)}
      >
        Predict the memory
      </button>
      <p class="quiet" role="status">
        {predictionWords(app.recipe.prediction.value)}
      </p>
    </>
  );
}

function predictionWords(prediction: Prediction): string {
  switch (prediction.kind) {
    case "none":
      return "";
    case "asked":
      return "Opening the encoder …";
    case "known":
      return memoryWords(prediction.memory);
    case "refused":
      return prediction.problem;
    default:
      return prediction satisfies never;
  }
}

export function DevFields() {
  const { best } = useApp().recipe.fields.value;
  return (
    <>
      <Switch name="best" label="Keep the weights that are best on dev" word="best on dev" />
      {best && (
        <>
          <TextInput name="bestEvery" label="Looks at dev every, steps" word="best on dev" />
          <TextInput name="bestPatience" label="Ends after looks that were no better" word="patience" hint="never" />
        </>
      )}
    </>
  );
}
