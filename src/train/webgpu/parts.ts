/** A step's batches cut into parts that are encoded at once: one part a batch, or several where memory is bounded (GradCache). */
import { present } from "../../base/assert.ts";
import type { ContrastiveBatch } from "../../domain/engine.ts";
import { chunksOf } from "../../encoder/cpu/chunks.ts";
import { dropoutSeed } from "../../encoder/dropout.ts";
import type { Described, Program } from "../../encoder/webgpu/program.ts";
import type { Counts } from "../../kernels/counts.ts";
import type { StepCapacity } from "./memory.ts";
import { textsOf } from "./pairs.ts";

/** Texts that are encoded at once. */
export interface Part extends Described {
  /** Row of the first text among the vectors of the batch, and how many there are. */
  readonly first: number;
  readonly texts: number;
}

export interface StepBatch {
  readonly batch: ContrastiveBatch;
  readonly parts: readonly Part[];
  /** Of the whole batch, for loss and update. */
  readonly counts: Counts;
}

export interface StepInput {
  readonly batches: readonly StepBatch[];
  readonly needed: StepCapacity;
  readonly learningRate: number;
}

export interface StepRequest {
  readonly batches: readonly ContrastiveBatch[];
  readonly learningRate: number;
  /** Steps done before. */
  readonly step: number;
  /** Of dropout and rounding. */
  readonly seed: number;
  /** Most tokens of a part, or one text. */
  readonly microTokens: number;
}

/** Rows of vectors that a batch's loss is on. */
const vectorsOf = (batch: ContrastiveBatch, hidden: number): number =>
  textsOf(batch) + (batch.fixed?.length ?? 0) / hidden;

const most = (numbers: readonly number[]): number => Math.max(...numbers);

/** What the parts and lists of a step take. */
function needed(batches: readonly StepBatch[]): StepCapacity {
  const parts = batches.flatMap((batch) => batch.parts);
  return {
    T: most(parts.map(({ counts }) => counts.T)),
    S: most(parts.map(({ counts }) => counts.S)),
    B: most(batches.map(({ counts }) => counts.B)),
    pairs: most(batches.map(({ batch }) => batch.candidates.length)),
    vectors: most(batches.map(({ counts }) => counts.vectors ?? counts.S)),
    parted: batches.some((batch) => batch.parts.length > 1),
    adds: parts.length > 1,
  };
}

/** Works out everything that a step needs to know of its batches. */
export function stepInput(
  { batches, learningRate, step, seed, microTokens }: StepRequest,
  { program, hidden }: { readonly program: Program; readonly hidden: number },
): StepInput {
  const stepSeed = dropoutSeed(seed, step);
  let firstToken = 0;
  const described = batches.map((batch, b): StepBatch => {
    const ofBatch = { B: batch.queries.length, seed: stepSeed, batch: b, batches: batches.length };
    const vectors = vectorsOf(batch, hidden);
    const parts = chunksOf(batch.texts, microTokens).map(({ first, texts }): Part => {
      const { counts, integers } = program.step.describe(texts);
      const part = { first, texts: counts.S, integers, counts: { ...counts, ...ofBatch, vectors, firstToken } };
      firstToken += counts.T;
      return part;
    });
    return { batch, parts, counts: present(parts.at(-1), "a part of the batch").counts };
  });
  return { batches: described, needed: needed(described), learningRate };
}
