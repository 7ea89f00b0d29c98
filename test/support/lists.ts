/** Lists of candidates at odd sizes, with roles and targets, for what computes losses. */
import type { ContrastiveBatch, LossSettings } from "../../src/domain/engine.ts";
import { random } from "../../src/base/random.ts";

/**
 * Each query b of texts 0 … B - 1 has `lengths[b]` candidates among S texts, some more than once, one of them a query.
 * Every other query has written negatives; of the rest some are found, some are nothing, all may be hardened.
 */
export function listsOf(lengths: readonly number[], S: number): Required<Omit<ContrastiveBatch, "fixed">> {
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, b) => (offsets[b + 1] = (offsets[b] ?? 0) + length));
  const pairs = offsets.at(-1) ?? 0;
  const source = random(3, "lists");
  const roleOf = (b: number, j: number) =>
    j === 0 ? 0 : source.integer(2) + ([0, 2, b % 2 === 0 ? 4 : 2][source.integer(3)] ?? 0);
  return {
    texts: { tokenIds: new Int32Array(S), cuSeqlens: Int32Array.from({ length: S + 1 }, (_, s) => s) },
    queries: Int32Array.from(lengths.keys()),
    offsets,
    candidates: Int32Array.from({ length: pairs }, (_, i) => (i * i + 3 * i + 1) % S),
    roles: Int32Array.from(lengths.flatMap((length, b) => Array.from({ length }, (_, j) => roleOf(b, j)))),
    targets: Float32Array.from({ length: pairs }, () => source.normal()),
  };
}

/** Every loss, and every addition to it. */
export const lossCases: readonly (readonly [string, LossSettings])[] = [
  ["InfoNCE", { temperature: 0.1 }],
  ["InfoNCE, named", { temperature: 0.1, loss: "infonce" }],
  ["hardness", { temperature: 0.1, hardness: 5 }],
  ["MarginMSE", { temperature: 0.1, loss: "marginMSE" }],
  ["LambdaRank", { temperature: 0.1, loss: "lambdaRank" }],
  ["entropy", { temperature: 0.1, entropy: { weight: 0.5, temperature: 0.2 } }],
  ["Matryoshka", { temperature: 0.1, dimensions: [3, 7, 1] }],
  ["all of InfoNCE", { temperature: 0.07, hardness: 9, entropy: { weight: 2, temperature: 0.1 }, dimensions: [7, 2] }],
  ["LambdaRank on prefixes", { temperature: 0.3, loss: "lambdaRank", dimensions: [2, 5] }],
  ["MarginMSE on a prefix", { temperature: 1, loss: "marginMSE", dimensions: [4] }],
];
