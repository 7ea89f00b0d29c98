/**
 * Which numbers a training step drops: a function of the seed, the step, the place in the encoder and the token, so that the way back,
 * a second forward pass and a part of a batch drop the same ones. The hash is pcg3d (Jarzynski and Olano, JCGT 9(3), 2020).
 */
import { random } from "../base/random.ts";

/** The seed of a step's dropout, 32 bits. `step` is the number of steps done before. */
export const dropoutSeed = (seed: number, step: number): number => random(seed, `dropout ${step}`).integer(2 ** 32);

/** Where numbers are dropped: after the embeddings; in layer i of the attention's weights, its result and the feed-forward's. */
export const sites = {
  embeddings: 0,
  attention: (layer: number) => 1 + 3 * layer,
  attentionOutput: (layer: number) => 2 + 3 * layer,
  output: (layer: number) => 3 + 3 * layer,
} as const;

/** A number is dropped if its hash is below this: `rate` of 2^32. */
export const dropThreshold = (rate: number): number => Math.min(Math.floor(rate * 2 ** 32), 2 ** 32 - 1);

/** The first word of pcg3d(row, column, seed ^ site · 0x9e3779b9), as a whole number below 2^32. */
export function dropHash(at: {
  readonly seed: number;
  readonly site: number;
  /** The token's number in the step. */
  readonly row: number;
  /** The channel; of the attention's weights head · 2^16 + the key's place in its text. */
  readonly column: number;
}): number {
  const step = (value: number) => (Math.imul(value, 1664525) + 1013904223) | 0;
  let x = step(at.row);
  let y = step(at.column);
  let z = step(at.seed ^ Math.imul(at.site, 0x9e3779b9));
  const mix = () => {
    x = (x + Math.imul(y, z)) | 0;
    y = (y + Math.imul(z, x)) | 0;
    z = (z + Math.imul(x, y)) | 0;
  };
  mix();
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  mix();
  return x >>> 0;
}
