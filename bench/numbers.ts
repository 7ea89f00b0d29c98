/**
 * Weights and token ids that every engine, PyTorch's too (bench/torch_step.py), makes alike: number i of a name is a hash of
 * both. Counted and not drawn one after another, so that numpy makes millions of them at once.
 */
import type { BertShape } from "../src/domain/encoder.ts";
import { parameterTable, size } from "../src/encoder/parameters.ts";

/** FNV-1a (Fowler, Noll and Vo), over the name's characters. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash;
}

/** In [0, 1): the finaliser of MurmurHash3 (Appleby) over seed + i · 2³²/φ. */
function uniform(seed: number, i: number): number {
  let hash = (seed + Math.imul(i, 0x9e3779b9)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * Half the width of a weight's range, times √H: enough that attention prefers some tokens to others and GELU bends, so that
 * engines that differ there differ in their losses.
 */
const SPREAD = 1.5;

/** An arena of weights: uniform in ±1.5/√H, those of LayerNorm around 1. */
export function madeUpWeights(shape: BertShape): Float32Array<ArrayBuffer> {
  const { floats, regions } = parameterTable(shape);
  const weights = new Float32Array(floats);
  const spread = SPREAD / Math.sqrt(shape.hidden);
  for (const { name, offset, shape: dims } of Object.values(regions)) {
    const seed = seedOf(name);
    const middle = name.endsWith("norm.weight") ? 1 : 0;
    for (let i = 0; i < size(dims); i++) weights[offset + i] = middle + spread * (2 * uniform(seed, i) - 1);
  }
  return weights;
}

/** Ids of `count` tokens. Low ones come up more often, as frequent words do. */
export function madeUpTokens(name: string, count: number, vocabulary: number): Int32Array<ArrayBuffer> {
  const seed = seedOf(name);
  return Int32Array.from({ length: count }, (_, i) => Math.floor(vocabulary * uniform(seed, i) ** 3));
}

/** Numbers in [-1, 1) over the square root of their count's root: matrices whose product has entries of about one. */
export function madeUpNumbers(name: string, count: number): Float32Array<ArrayBuffer> {
  const seed = seedOf(name);
  return Float32Array.from({ length: count }, (_, i) => (2 * uniform(seed, i) - 1) / count ** 0.25);
}
