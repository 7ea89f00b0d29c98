/** What of the encoder a recipe trains and how its steps are made, in words, for the page and the model card. */
import type { Config } from "./config.ts";
import type { EncoderShape, EngineInfo, Precision } from "./encoder.ts";
import { layerMatrices, type Lora } from "./engine.ts";

/** A recipe that was stored by an older version of the page lacks keys that came since. */
type Stored = Partial<Config>;

function loraWords({ rank, alpha, matrices }: Lora): string {
  const where = matrices.length === layerMatrices.length ? "all matrices of its layers" : matrices.join(", ");
  return `LoRA of rank ${rank} (alpha ${alpha}) in ${where}`;
}

const frozenWords = (layers: number): string =>
  layers === 0
    ? "its embeddings stay as they are"
    : `its embeddings and lowest ${layers === 1 ? "layer" : `${layers} layers`} stay as they are`;

/** "The encoder of queries alone, LoRA of rank 8 (alpha 16) in all matrices of its layers". */
export function describeTuning({ side, lora, frozenLayers, dropout }: Stored): string {
  return [
    side === "queries" ? "The encoder of queries alone" : "The encoder",
    ...(lora ? [loraWords(lora)] : []),
    ...(frozenLayers === undefined ? [] : [frozenWords(frozenLayers)]),
    ...(dropout ? [`dropout ${dropout.hidden} (attention ${dropout.attention})`] : []),
  ].join(", ");
}

/** "16 queries or 4096 tokens, 2 batches a step". */
export function describeBatches({ batchSize, batchTokens, accumulate = 1, batches }: Stored): string {
  return [
    `${batchSize} queries${batchTokens === undefined ? "" : ` or ${batchTokens} tokens`}`,
    ...(batches === "topics" ? ["of one topic each"] : []),
    ...(accumulate > 1 ? [`${accumulate} batches a step`] : []),
  ].join(", ");
}

/** "moments in 16 bits, 2048 tokens at once"; "" where nothing saves memory. */
export function describeMemory({ optimizer, microTokens, recompute }: Stored): string {
  return [
    ...(optimizer === "adamw16" ? ["moments in 16 bits"] : []),
    ...(microTokens === undefined ? [] : [`${microTokens} tokens at once`]),
    ...(recompute ? ["layers made again on the way back"] : []),
  ].join(", ");
}

/** Where training computes. */
interface Computing {
  readonly engine: EngineInfo;
  readonly shape: EncoderShape;
}

/** Why a run that asks for f16 does not get it; "" where it does. */
function withoutHalf({ engine, shape }: Computing): string {
  if (shape.family === "static") return "a static encoder multiplies no matrices";
  if (engine.precisions?.includes("f16")) return "";
  return engine.kind === "cpu"
    ? "the CPU engine knows no other"
    : "the GPU has no f16 (shader-f16), or the browser offers none";
}

/** What the matrix products of a run's training are in. */
export const precisionOf = ({ precision }: Stored, computing: Computing): Precision =>
  precision === "f16" && withoutHalf(computing) === "" ? "f16" : "f32";

/** "Training multiplies matrices in f16 …", or why it does not although the recipe asks for it; "" where it does not ask. */
export function describePrecision({ precision }: Stored, computing: Computing): string {
  if (precision !== "f16") return "";
  const why = withoutHalf(computing);
  return why === ""
    ? "Training multiplies matrices in f16 and adds up in f32; before and after are measured in f32."
    : `The recipe asks for f16, but training computes in f32: ${why}.`;
}

/** "the best on dev, every 50 steps, ends after 3 looks without a better one"; "" where the last weights are kept. */
export function describeBest({ best }: Stored): string {
  if (!best) return "";
  const { every, patience } = best;
  const looks = patience === 1 ? "a look" : `${patience} looks`;
  return [
    "the best on dev",
    every === 1 ? "looked at after every step" : `looked at every ${every} steps`,
    ...(patience === undefined ? [] : [`ends after ${looks} without a better one`]),
  ].join(", ");
}
