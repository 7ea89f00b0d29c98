/** A static encoder in float64: its vectors, the loss of a batch, the gradient, and training. */
import type { ContrastiveBatch, PackedTexts, TrainerSettings } from "../../src/domain/engine.ts";
import { adamw, globalNorm } from "./adamw.ts";
import { lookUp, tableGradient } from "./embedding.ts";
import { infonce, infonceGradient } from "./infonce.ts";
import { normalise, normaliseGradient, pool, poolGradient } from "./pooling.ts";

const meanOf = (table: Float64Array, { tokenIds, cuSeqlens }: PackedTexts, H: number): Float64Array =>
  pool(lookUp(table, tokenIds, H), cuSeqlens, H, false);

/** (S, H) unit vectors of texts, from the table (V, H). */
export const embedStatic = (table: Float64Array, texts: PackedTexts, H: number): Float64Array =>
  normalise(meanOf(table, texts, H), H);

export function staticLoss(table: Float64Array, batch: ContrastiveBatch, H: number, temperature: number): number {
  const losses = infonce(embedStatic(table, batch.texts, H), batch, H, temperature);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

export function staticGradient(table: Float64Array, batch: ContrastiveBatch, H: number, temperature: number) {
  const { texts } = batch;
  const pooled = meanOf(table, texts, H);
  const dEmbedding = infonceGradient(normalise(pooled, H), batch, H, temperature);
  const dTokens = poolGradient(normaliseGradient(pooled, dEmbedding, H), texts.cuSeqlens, H, false);
  return tableGradient(dTokens, texts.tokenIds, table.length / H, H);
}

/** Losses and norms of each step on one batch, and the table after them. */
export function trainStatic(
  start: Float64Array,
  batch: ContrastiveBatch,
  { H, steps, rate, ...settings }: TrainerSettings & { H: number; steps: number; rate: number },
) {
  const state = { weight: start.slice(), m: new Float64Array(start.length), v: new Float64Array(start.length) };
  const outcomes = Array.from({ length: steps }, (_, i) => {
    const loss = staticLoss(state.weight, batch, H, settings.temperature);
    const gradient = staticGradient(state.weight, batch, H, settings.temperature);
    adamw(state, gradient, { step: i + 1, rate }, { ...settings, decayed: start.length });
    return { loss, gradNorm: globalNorm(gradient) };
  });
  return { outcomes, weight: state.weight };
}
