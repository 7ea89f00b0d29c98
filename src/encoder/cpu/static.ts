/**
 * A static encoder in plain loops: a text's vector is the mean of its tokens' vectors, at unit length. It has no place where dropout
 * drops anything, and does little enough at once for any bound on memory.
 */
import { assert, present } from "../../base/assert.ts";
import type { StaticShape } from "../../domain/encoder.ts";
import type { ContrastiveBatch, PackedTexts } from "../../domain/engine.ts";
import type { ParameterTable } from "../parameters.ts";
import { lossOf } from "./loss.ts";
import type { Arena, Network, Target } from "./network.ts";
import { clampedNorm, throughNorm } from "./unit.ts";

/** Calls `visit` with the token ids of each text. */
function eachText({ tokenIds, cuSeqlens }: PackedTexts, visit: (ids: Int32Array, text: number) => void): void {
  for (let text = 0; text + 1 < cuSeqlens.length; text++) {
    const ids = tokenIds.subarray(cuSeqlens[text], cuSeqlens[text + 1]);
    assert(ids.length > 0, `text ${text} has no token`);
    visit(ids, text);
  }
}

/** The table of token vectors, (V, H), in an arena. */
interface Table {
  readonly offset: number;
  readonly hidden: number;
}

/** Writes the mean of the tokens' vectors. */
function meanOf(weights: Arena, { offset, hidden }: Table, ids: Int32Array, mean: Float64Array): void {
  mean.fill(0);
  for (const id of ids) {
    const row = offset + id * hidden;
    for (let h = 0; h < hidden; h++) mean[h] = (mean[h] ?? 0) + (weights[row + h] ?? 0);
  }
  for (let h = 0; h < hidden; h++) mean[h] = (mean[h] ?? 0) / ids.length;
}

/** Adds the gradient of {@link meanOf}'s result to that of each token's vector. */
function scatterMean(gradient: Arena, { offset, hidden }: Table, ids: Int32Array, dMean: Float64Array): void {
  for (const id of ids) {
    const row = offset + id * hidden;
    for (let h = 0; h < hidden; h++) gradient[row + h] = (gradient[row + h] ?? 0) + (dMean[h] ?? 0) / ids.length;
  }
}

export function staticNetwork({ hidden, vocabulary }: StaticShape, { regions }: ParameterTable): Network {
  const table = { hidden, offset: present(regions["embeddings.word"], "the table of token vectors").offset };
  const mean = new Float64Array(hidden);

  function embed(weights: Arena, texts: PackedTexts): Arena {
    assert(
      texts.tokenIds.every((id) => id >= 0 && id < vocabulary),
      `a token id is not below ${vocabulary}`,
    );
    const embeddings = new Float32Array((texts.cuSeqlens.length - 1) * hidden);
    eachText(texts, (ids, text) => {
      meanOf(weights, table, ids, mean);
      const norm = clampedNorm(mean);
      for (let h = 0; h < hidden; h++) embeddings[text * hidden + h] = (mean[h] ?? 0) / norm;
    });
    return embeddings;
  }

  function differentiate(weights: Arena, batch: ContrastiveBatch, { settings, gradient, share }: Target): number {
    const { loss, dEmbeddings } = lossOf(embed(weights, batch.texts), hidden, batch, settings);
    eachText(batch.texts, (ids, text) => {
      meanOf(weights, table, ids, mean);
      throughNorm(mean, { values: dEmbeddings, at: text * hidden });
      scatterMean(
        gradient,
        table,
        ids,
        mean.map((d) => d * share),
      );
    });
    return loss;
  }

  const nothing = () => undefined;
  return { embed, differentiate, reserve: nothing, weightsChanged: nothing, dispose: nothing };
}
