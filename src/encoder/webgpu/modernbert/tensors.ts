/** The tensors of a pass through ModernBERT, by name, with their sizes; the arenas are planned from these. */
import type { ModernBertShape } from "../../../domain/encoder.ts";
import type { Rooms } from "../../../gpu/arena.ts";
import { BLOCK, COUNTS } from "../../../kernels/counts.ts";
import type { Trained } from "../../trained.ts";
import type { ProgramOptions } from "../program.ts";
import { adapterSizes, normScratch, reused, scratchFor } from "../rooms.ts";
import { pooled, rooms, type Capacity, type Sizes } from "../tensors.ts";

/** Integers that the forward pass needs, and the angles of two θ for the longest text that there is room for. */
export function indexSizes({ T, S }: Capacity, { positions, hidden, heads }: ModernBertShape): Sizes {
  const angles = (Math.min(T, positions) * hidden) / heads;
  return {
    counts: COUNTS,
    tokenIds: T,
    positions: T,
    textOf: T,
    cuSeqlens: S + 1,
    blocks: 4 * (Math.ceil(T / BLOCK) + S),
    "angles.far": angles,
    "angles.near": angles,
  };
}

/** Integers that the backward pass needs besides. */
export const rowSizes = ({ T }: Capacity, { vocabulary }: ModernBertShape): Sizes => ({
  "words.ids": Math.min(T, vocabulary),
  "words.offsets": Math.min(T, vocabulary) + 1,
  "words.order": T,
});

/** A norm's result and what it keeps. */
const norm = (at: string, result: string, T: number, H: number): Sizes => ({
  [`${at}${result}`]: T * H,
  [`${at}mean`]: T,
  [`${at}rstd`]: T,
});

const layer = (at: string, T: number, { hidden: H, intermediate: I, heads: N }: ModernBertShape): Sizes => ({
  ...norm(`${at}attention.`, "normed", T, H),
  [`${at}qkv`]: T * 3 * H,
  [`${at}logSumExp`]: T * N,
  [`${at}context`]: T * H,
  [`${at}middle`]: T * H,
  ...norm(at, "normed", T, H),
  [`${at}wide`]: T * 2 * I,
  [`${at}activated`]: T * I,
  [`${at}output`]: T * H,
});

const ends = (T: number, S: number, H: number): Sizes => ({ ...norm("final.", "output", T, H), ...pooled(S, H) });

/** Those that are not in bank 0: no kernel reads one bank and writes it, but for what it changes in place. */
const banks: Sizes = {
  sum: 1,
  "attention.normed": 1,
  "attention.mean": 1,
  "attention.rstd": 1,
  qkv: 2,
  middle: 1,
  wide: 1,
  activated: 2,
  "final.output": 1,
  "final.mean": 1,
  "final.rstd": 1,
  embedding: 1,
  norm: 1,
};
const forwardBank = (name: string): number => (name.endsWith(".lora") ? 7 : (banks[reused(name)] ?? 0));

/** Every activation of the forward pass, by its own name. */
export function forwardActivations({ T, S }: Capacity, shape: ModernBertShape, trained: Trained): Rooms {
  const { hidden: H, layers } = shape;
  const embedded = { "embeddings.sum": T * H, ...norm("embeddings.", "output", T, H) };
  const sizes = [embedded, ends(T, S, H), adapterSizes(layers, T, trained)];
  for (let i = 0; i < layers; i++) sizes.push(layer(`layer.${i}.`, T, shape));
  return new Map(sizes.flatMap((part) => [...rooms(part, forwardBank)]));
}

/** Any two of these that one kernel reads and writes are in different banks, and in none that it uses of the forward pass. */
const gradientBanks: Sizes = {
  "d.embedding": 3,
  "d.pooled": 5,
  "d.stream": 3,
  "d.normed": 4,
  "d.branch": 5,
  "d.activated": 4,
  "d.wide": 5,
  "d.context": 4,
  "d.qkv": 5,
  "d.lora": 7,
  delta: 6,
  scratch: 6,
  "scratch.bias": 6,
};

/** Gradients of activations: a few of a token's width, which take turns, and scratch for two-stage sums. */
export function activationGradients(
  { T, S }: Capacity,
  shape: ModernBertShape,
  { trained, dropout }: Pick<ProgramOptions, "trained" | "dropout">,
): Rooms {
  const { hidden: H, intermediate: I, heads: N, layers } = shape;
  const linears = {
    "attention.qkv": { I: H, O: 3 * H },
    "attention.output": { I: H, O: H },
    intermediate: { I: H, O: 2 * I },
    output: { I, O: H },
  };
  const sizes = {
    "d.embedding": S * H,
    "d.pooled": S * H,
    "d.stream": T * H,
    "d.normed": T * H,
    ...(dropout && dropout.hidden > 0 && { "d.branch": T * H }),
    "d.activated": T * I,
    "d.wide": T * 2 * I,
    "d.context": T * H,
    "d.qkv": T * 3 * H,
    ...(trained.lora && { "d.lora": T * trained.lora.rank }),
    delta: T * N,
    scratch: Math.max(normScratch(H), scratchFor(layers, linears, trained)),
    "scratch.bias": normScratch(H),
  };
  return rooms(sizes, (name) => gradientBanks[name] ?? 0);
}
