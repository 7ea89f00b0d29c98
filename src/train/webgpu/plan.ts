/** A training step as lists of passes: forward, loss, backward, update; planned once for a capacity and recorded again in each step. */
import type { TrainerSettings } from "../../domain/engine.ts";
import type { Trained } from "../../encoder/trained.ts";
import type { Program } from "../../encoder/webgpu/program.ts";
import type { At } from "../../encoder/webgpu/tensors.ts";
import { createArena, type Arena } from "../../gpu/arena.ts";
import type { Dispatch, Pass } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../../kernels/counts.ts";
import { gradNorm, meanLoss } from "../../kernels/gradnorm/gradnorm.ts";
import { pieceOf, type Piece } from "./arenas.ts";
import type { Context } from "./context.ts";
import { lossPasses } from "./loss.ts";
import { stepRooms, type StepCapacity } from "./memory.ts";
import type { Optimiser } from "./optimiser.ts";

export interface StepTensors {
  readonly program: Program;
  readonly hidden: number;
  readonly trained: Trained;
  /** By region. */
  readonly weight: At;
  readonly adapter?: At;
  /** Of what trains, by region. */
  readonly gradient: At;
  readonly gradients: GPUBuffer;
  readonly pieces: readonly Piece[];
  readonly optimiser: Optimiser;
  /** gradnorm's STATE. */
  readonly state: Slice;
}

type Passes = readonly Pass<Counts>[];

export interface StepPlan {
  readonly capacity: StepCapacity;
  /** What is written for a batch or part. */
  readonly index: At;
  /** Of the part that is encoded: its vectors and their gradient. */
  readonly part: At;
  /** Of the whole batch. */
  readonly vectors: At;
  readonly forward: Passes;
  readonly loss: Passes;
  readonly backward: Passes;
  readonly update: Passes;
  dispose(): void;
}

interface Arenas {
  readonly index: Arena;
  readonly activations: Arena;
  readonly vectors: Arena;
}

async function createArenas({ gpu }: Context, tensors: StepTensors, settings: TrainerSettings, capacity: StepCapacity) {
  const { program, hidden, pieces } = tensors;
  const all = stepRooms(program, settings, capacity, { hidden, pieces: pieces.length });
  const made: Arena[] = [];
  try {
    const arena = async (label: string, of: Parameters<typeof createArena>[2]) => {
      const next = await createArena(gpu, label, of);
      made.push(next);
      return next;
    };
    return {
      index: await arena("step index", all.index),
      activations: await arena("step activations", all.activations),
      vectors: await arena("step vectors", all.vectors),
    };
  } catch (error) {
    made.forEach((arena) => arena.dispose());
    throw error;
  }
}

function update(
  { index, vectors }: Arenas,
  { state, pieces, optimiser, gradients }: StepTensors,
  settings: TrainerSettings,
): Dispatch<Counts>[] {
  const counts = index.at("counts");
  const gradient = pieces.map((piece) => pieceOf(gradients, piece));
  return [
    ...gradNorm({ state, counts, gradient, partial: vectors.at("partial") }, settings),
    ...pieces.map((piece) =>
      optimiser.update(piece, { gradient: pieceOf(gradients, piece), counts, rate: index.at("rate"), state }, settings),
    ),
  ];
}

/** Plans steps of up to `capacity`. Errors: GpuOutOfMemory. */
export async function planStep(
  context: Context,
  tensors: StepTensors,
  settings: TrainerSettings,
  capacity: StepCapacity,
): Promise<StepPlan> {
  const { program, hidden, weight, adapter, gradient, state } = tensors;
  const arenas = await createArenas(context, tensors, settings, capacity);
  const { index, activations, vectors } = arenas;
  const part: At = (name) =>
    !capacity.parted && (name === "embedding" || name === "d.embedding")
      ? vectors.at(name)
      : activations.at(program.step.roomOf(name));
  const encoder = { weight, ...(adapter && { adapter }), index: index.at, activation: part };
  const realise = (dispatches: readonly Dispatch<Counts>[]) => context.pipelines.realise(dispatches);
  return {
    capacity,
    index: index.at,
    part,
    vectors: vectors.at,
    forward: await realise(program.trainForward(encoder)),
    loss: await realise([
      ...lossPasses({ index: index.at, activation: vectors.at }, hidden, settings),
      meanLoss({ state, counts: index.at("counts"), losses: vectors.at("loss") }),
    ]),
    backward: await realise(program.backward({ ...encoder, gradient, adds: capacity.adds })),
    update: await realise(update(arenas, tensors, settings)),
    dispose: () => [index, activations, vectors].forEach((arena) => arena.dispose()),
  };
}
