/** The tensors of a pass through BERT, by name, with their sizes; the arenas are planned from these. */
import { mostTokens, type BertShape } from "../../domain/encoder.ts";
import type { Room, Rooms } from "../../gpu/arena.ts";
import type { Slice } from "../../gpu/slice.ts";
import { BLOCK, COUNTS } from "../../kernels/counts.ts";
import { weightScratch } from "../../kernels/linear/linear.ts";
import { PARTS } from "../../kernels/reduce/reduce.ts";

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

// Along the forward pass the tensors take turns: each kernel reads bank 1 and writes bank 0, or the other way round.
const firstBank = new Set(["qkv", "sum", "intermediate", "pooled", "distance"]);
const forwardBank = (name: string): number => (firstBank.has(name.split(".").at(-1) ?? "") ? 0 : 1);

/** The bias by distance, which all layers share. */
const distance = (shape: BertShape): Sizes =>
  shape.distanceBuckets === undefined ? {} : { distance: shape.heads * distancesOf(shape) };

/** Every activation of the forward pass, kept apart for the backward pass. */
export function keptActivations({ T, S }: Capacity, shape: BertShape): Rooms {
  const sizes = [norm("embeddings.", T, shape.hidden), distance(shape), pooled(S, shape.hidden)];
  for (let i = 0; i < shape.layers; i++) sizes.push(layer(`layer.${i}.`, T, shape));
  return new Map(sizes.flatMap((part) => [...rooms(part, forwardBank)]));
}

/** The activations of one layer, for a forward pass that every layer reuses. */
export const reusedActivations = ({ T, S }: Capacity, shape: BertShape): Rooms =>
  rooms({ ...layer("", T, shape), ...distance(shape), ...pooled(S, shape.hidden) }, forwardBank);

/** The name in {@link reusedActivations} of a name in {@link keptActivations}: a layer's output goes over its input. */
export const reused = (name: string): string => name.replace(/^(layer\.\d+|embeddings)\./, "");

/** Any two of these that one kernel reads and writes are in different banks, and in none of the forward pass. */
const gradientBanks: Sizes = {
  "d.embedding": 3,
  "d.pooled": 4,
  "d.output": 2,
  "d.sum": 3,
  "d.context": 4,
  "d.qkv": 3,
  "d.intermediate": 4,
  delta: 2,
  "d.distance": 5,
  scratch: 5,
  "scratch.bias": 5,
};

/** Gradients of activations: a few of a token's width, which take turns, and scratch for two-stage sums. */
export function activationGradients(capacity: Capacity, shape: BertShape): Rooms {
  const { T, S } = capacity;
  const { hidden: H, intermediate: I, heads: N, distanceBuckets } = shape;
  const linears = [
    { I: H, O: 3 * H },
    { I: H, O: H },
    { I: H, O: I },
    { I, O: H },
  ];
  const sizes = {
    "d.embedding": S * H,
    "d.pooled": S * H,
    "d.output": T * H,
    "d.sum": T * H,
    "d.context": T * H,
    "d.qkv": T * 3 * H,
    "d.intermediate": T * I,
    delta: T * N,
    ...(distanceBuckets !== undefined && { "d.distance": mostBlocks(capacity) * distanceBuckets * N }),
    scratch: Math.max(PARTS * 3 * H, PARTS * I, ...linears.map(weightScratch)),
    "scratch.bias": PARTS * H,
  };
  return rooms(sizes, (name) => gradientBanks[name] ?? 0);
}
