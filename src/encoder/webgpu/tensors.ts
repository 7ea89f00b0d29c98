/** The tensors of a pass through BERT, by name, with their sizes; the arenas are planned from these. */
import { mostTokens, type BertShape } from "../../domain/encoder.ts";
import type { Room, Rooms } from "../../gpu/arena.ts";
import type { Slice } from "../../gpu/slice.ts";
import { BLOCK, COUNTS } from "../../kernels/counts.ts";
import type { Trained } from "../trained.ts";
import { trains } from "./layers.ts";
import type { ProgramOptions } from "./program.ts";
import { adapterSizes, normScratch, scratchFor } from "./rooms.ts";

/** What an arena has room for. */
export interface Capacity {
  /** Tokens. */
  readonly T: number;
  /** Texts. */
  readonly S: number;
}

/** A tensor by its name: of the weights or gradients (a region), of a batch's index, of the activations. */
export type At = (name: string) => Slice;

/** Numbers of four bytes by name. */
export type Sizes = Readonly<Record<string, number>>;

/** Rooms for tensors of the given sizes. */
export const rooms = (sizes: Sizes, bank: (name: string) => number = () => 0): Rooms =>
  new Map(Object.entries(sizes).map(([name, words]): [string, Room] => [name, { bytes: words * 4, bank: bank(name) }]));

const mostBlocks = ({ T, S }: Capacity): number => Math.ceil(T / BLOCK) + S;

/** Distances that an encoder with a bias by distance knows; none without. */
export const distancesOf = (shape: BertShape): number =>
  shape.distanceBuckets === undefined ? 0 : 2 * mostTokens(shape) - 1;

/** Integers that the forward pass needs. */
export const indexSizes = (capacity: Capacity, shape: BertShape): Sizes => ({
  counts: COUNTS,
  tokenIds: capacity.T,
  positions: capacity.T,
  textOf: capacity.T,
  cuSeqlens: capacity.S + 1,
  blocks: 4 * mostBlocks(capacity),
  ...(shape.distanceBuckets !== undefined && { buckets: distancesOf(shape) }),
});

/** Integers that the backward pass needs besides. */
export const rowSizes = ({ T }: Capacity, { vocabulary, positions }: BertShape): Sizes => ({
  "words.ids": Math.min(T, vocabulary),
  "words.offsets": Math.min(T, vocabulary) + 1,
  "words.order": T,
  "places.ids": Math.min(T, positions),
  "places.offsets": Math.min(T, positions) + 1,
  "places.order": T,
});

const norm = (at: string, T: number, H: number): Sizes => ({
  [`${at}sum`]: T * H,
  [`${at}mean`]: T,
  [`${at}rstd`]: T,
  [`${at}output`]: T * H,
});

const layer = (at: string, T: number, { hidden: H, intermediate: I, heads: N }: BertShape): Sizes => ({
  [`${at}qkv`]: T * 3 * H,
  [`${at}logSumExp`]: T * N,
  [`${at}context`]: T * H,
  ...norm(`${at}attention.`, T, H),
  [`${at}intermediate`]: T * I,
  [`${at}activated`]: T * I,
  ...norm(at, T, H),
});

/** What is left of a text. */
export const pooled = (S: number, H: number): Sizes => ({ pooled: S * H, norm: S, embedding: S * H });

// Along the forward pass the tensors take turns: each kernel reads bank 1 and writes bank 0, or the other way round. GELU's result is
// written with what it is GELU of while bank 1 is read.
const firstBank = new Set(["qkv", "sum", "intermediate", "pooled", "distance"]);
const laterBanks: Sizes = { activated: 2, lora: 7 };
function forwardBank(name: string): number {
  const last = name.split(".").at(-1) ?? "";
  return laterBanks[last] ?? (firstBank.has(last) ? 0 : 1);
}

/** The bias by distance, which all layers share. */
const distance = (shape: BertShape): Sizes =>
  shape.distanceBuckets === undefined ? {} : { distance: shape.heads * distancesOf(shape) };

/** Every activation of the forward pass, by its own name. */
export function forwardActivations({ T, S }: Capacity, shape: BertShape, trained: Trained): Rooms {
  const { hidden: H, layers } = shape;
  const sizes = [norm("embeddings.", T, H), distance(shape), pooled(S, H), adapterSizes(layers, T, trained)];
  for (let i = 0; i < layers; i++) sizes.push(layer(`layer.${i}.`, T, shape));
  return new Map(sizes.flatMap((part) => [...rooms(part, forwardBank)]));
}

/** Any two of these that one kernel reads and writes are in different banks, and in none that it uses of the forward pass. */
const gradientBanks: Sizes = {
  "d.embedding": 3,
  "d.pooled": 4,
  "d.output": 2,
  "d.sum": 3,
  "d.branch": 6,
  "d.context": 4,
  "d.qkv": 3,
  "d.intermediate": 4,
  "d.lora": 7,
  delta: 2,
  "d.distance": 5,
  scratch: 5,
  "scratch.bias": 5,
};

/** Gradients of activations: a few of a token's width, which take turns, and scratch for two-stage sums. */
export function activationGradients(
  capacity: Capacity,
  shape: BertShape,
  { trained, dropout }: Pick<ProgramOptions, "trained" | "dropout">,
): Rooms {
  const { T, S } = capacity;
  const { hidden: H, intermediate: I, heads: N, layers, distanceBuckets } = shape;
  const linears = {
    "attention.qkv": { I: H, O: 3 * H },
    "attention.output": { I: H, O: H },
    intermediate: { I: H, O: I },
    output: { I, O: H },
  };
  const sizes = {
    "d.embedding": S * H,
    "d.pooled": S * H,
    "d.output": T * H,
    "d.sum": T * H,
    ...(dropout && dropout.hidden > 0 && { "d.branch": T * H }),
    "d.context": T * H,
    "d.qkv": T * 3 * H,
    "d.intermediate": T * I,
    ...(trained.lora && { "d.lora": T * trained.lora.rank }),
    delta: T * N,
    ...(trains(trained, "distance") && { "d.distance": mostBlocks(capacity) * (distanceBuckets ?? 0) * N }),
    scratch: Math.max(normScratch(H), scratchFor(layers, linears, trained)),
    "scratch.bias": normScratch(H),
  };
  return rooms(sizes, (name) => gradientBanks[name] ?? 0);
}
