/** A training step as one list of passes: forward, loss, backward, norm, update; and what has to be written for a batch. */
import type { ContrastiveBatch, TrainerSettings } from "../../domain/engine.ts";
import { rooms, type At, type Capacity } from "../../encoder/webgpu/tensors.ts";
import { createArena, type Arena } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Dispatch, Pass } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import { write } from "../../gpu/upload.ts";
import { adamw } from "../../kernels/adamw/adamw.ts";
import type { Counts } from "../../kernels/counts.ts";
import { gradNorm, PARTIALS } from "../../kernels/gradnorm/gradnorm.ts";
import { enough } from "./capacity.ts";
import type { Context } from "./context.ts";
import { writeBatch, type EncoderWeights } from "./embed.ts";
import { describePairs, lossPasses, lossRooms, pairSizes, type PairCapacity } from "./loss.ts";

/** One piece of each flat arena, small enough to be bound. */
export interface Piece {
  readonly weight: Slice;
  readonly gradient: Slice;
  readonly firstMoment: Slice;
  readonly secondMoment: Slice;
  /** Numbers of this piece that decay, from its start. */
  readonly decayed: number;
}

export interface StepTensors {
  readonly encoder: EncoderWeights;
  /** By region. */
  readonly gradient: At;
  readonly pieces: readonly Piece[];
  /** gradnorm's STATE. */
  readonly state: Slice;
}

/** What a plan has room for; more tokens, texts, queries or pairs need a new one. */
export type StepCapacity = Capacity & PairCapacity;

/** Whether a plan with room for `have` serves a batch that needs `need`. */
export const fits = (have: StepCapacity, need: StepCapacity): boolean =>
  need.T <= have.T && need.S <= have.S && need.B <= have.B && need.pairs <= have.pairs;

/** Room for all that `have` has room for, and for `need`. */
export const grown = (have: StepCapacity | undefined, need: StepCapacity): StepCapacity => ({
  T: enough(have?.T, need.T),
  S: enough(have?.S, need.S),
  B: enough(have?.B, need.B),
  pairs: enough(have?.pairs, need.pairs),
});

export interface StepPlan {
  readonly capacity: StepCapacity;
  readonly index: Arena;
  readonly activations: Arena;
  readonly passes: readonly Pass<Counts>[];
}

function update(
  index: At,
  activation: At,
  { state, pieces }: StepTensors,
  settings: TrainerSettings,
): Dispatch<Counts>[] {
  const gradient = pieces.map((piece) => piece.gradient);
  const norm = { state, counts: index("counts"), losses: activation("loss"), gradient, partial: activation("partial") };
  return [
    ...gradNorm(norm, settings),
    ...pieces.map((piece) => adamw({ ...piece, rate: index("rate"), state }, { ...settings, decayed: piece.decayed })),
  ];
}

/** Plans a step for batches of up to `capacity`. Errors: GpuOutOfMemory. */
export async function planStep(
  { gpu, pipelines }: Context,
  tensors: StepTensors,
  settings: TrainerSettings,
  capacity: StepCapacity,
): Promise<StepPlan> {
  const { shape, program, weight } = tensors.encoder;
  const sizes = { ...program.step.indexSizes(capacity), ...pairSizes(capacity, settings), rate: 4 };
  const index = await createArena(gpu, "step index", rooms(sizes));
  const partial = rooms({ partial: tensors.pieces.length * PARTIALS }, () => 5);
  const all = [...program.step.activations(capacity), ...lossRooms(capacity, settings), ...partial];
  const activations = await createArena(gpu, "step activations", new Map(all));
  const encoder = { weight, gradient: tensors.gradient, adds: false, index: index.at, activation: activations.at };
  const passes = await pipelines.realise([
    ...program.trainForward(encoder),
    ...lossPasses({ index: index.at, activation: activations.at }, shape.hidden, settings),
    ...program.backward(encoder),
    ...update(index.at, activations.at, tensors, settings),
  ]);
  return { capacity, index, activations, passes };
}

/** A batch as it is written for a step. */
export interface StepInput {
  readonly counts: Counts;
  readonly needed: StepCapacity;
  /** Writes it into a plan that has room. */
  readonly writeTo: (gpu: Gpu, index: At) => void;
}

/** Works out everything that a step needs to know of a batch. */
export function stepInput(
  batch: ContrastiveBatch,
  learningRate: number,
  { program }: EncoderWeights,
  settings: TrainerSettings,
): StepInput {
  const { texts, queries, candidates } = batch;
  const described = program.step.describe(texts);
  const pairs = Object.entries(describePairs(batch, settings));
  const counts = { ...described.counts, B: queries.length };
  return {
    counts,
    needed: { T: counts.T, S: counts.S, B: queries.length, pairs: candidates.length },
    writeTo(gpu, at) {
      writeBatch(gpu, at, { ...described, counts });
      for (const [name, values] of pairs) write(gpu, at(name), values);
      write(gpu, at("rate"), new Float32Array([learningRate]));
    },
  };
}
