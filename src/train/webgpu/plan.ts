/** A training step as one list of passes: forward, loss, backward, norm, update; and what has to be written for a batch. */
import type { ContrastiveBatch, TrainerSettings } from "../../domain/engine.ts";
import { rooms, type At, type Capacity } from "../../encoder/webgpu/tensors.ts";
import { createArena, type Arena, type Rooms } from "../../gpu/arena.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Dispatch, Pass } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import { write } from "../../gpu/upload.ts";
import { adamw } from "../../kernels/adamw/adamw.ts";
import type { Counts } from "../../kernels/counts.ts";
import { gradNorm, PARTIALS } from "../../kernels/gradnorm/gradnorm.ts";
import { infonceBackward, infonceForward } from "../../kernels/infonce/infonce.ts";
import { enough } from "./capacity.ts";
import type { Context } from "./context.ts";
import { writeBatch, type EncoderWeights } from "./embed.ts";
import { touchingPairs } from "./pairs.ts";

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
export interface StepCapacity extends Capacity {
  /** Queries. */
  readonly B: number;
  /** Candidates of all queries together. */
  readonly pairs: number;
}

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

const pairSizes = ({ S, B, pairs }: StepCapacity) => ({
  rate: 4,
  queries: B,
  offsets: B + 1,
  candidates: pairs,
  "touching.offsets": S + 1,
  "touching.pairs": 2 * pairs,
  "touching.others": 2 * pairs,
});

/** Banks as in encoder/webgpu: the loss reads bank 1 and writes bank 2, and so on. */
const lossRooms = ({ B, pairs }: StepCapacity, pieces: number): Rooms =>
  rooms({ loss: B, coefficient: pairs, partial: pieces * PARTIALS }, (name) => (name === "partial" ? 5 : 2));

function loss(index: At, activation: At, { H, temperature }: { H: number; temperature: number }): Dispatch<Counts>[] {
  const [embedding, coefficient] = [activation("embedding"), activation("coefficient")];
  return [
    infonceForward(
      {
        loss: activation("loss"),
        coefficient,
        embedding,
        queries: index("queries"),
        offsets: index("offsets"),
        candidates: index("candidates"),
      },
      { H, temperature },
    ),
    infonceBackward(
      {
        dembedding: activation("d.embedding"),
        embedding,
        coefficient,
        touching: {
          offsets: index("touching.offsets"),
          pairs: index("touching.pairs"),
          others: index("touching.others"),
        },
      },
      { H },
    ),
  ];
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
  const integers = { ...program.step.indexSizes(capacity), ...pairSizes(capacity) };
  const index = await createArena(gpu, "step index", rooms(integers));
  const all = new Map([...program.step.activations(capacity), ...lossRooms(capacity, tensors.pieces.length)]);
  const activations = await createArena(gpu, "step activations", all);
  const encoder = { weight, gradient: tensors.gradient, index: index.at, activation: activations.at };
  const passes = await pipelines.realise([
    ...program.forward(encoder),
    ...loss(index.at, activations.at, { H: shape.hidden, temperature: settings.temperature }),
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
export function stepInput(batch: ContrastiveBatch, learningRate: number, { program }: EncoderWeights): StepInput {
  const { texts, queries, offsets, candidates } = batch;
  const described = program.step.describe(texts);
  const touching = touchingPairs(batch);
  const counts = { ...described.counts, B: queries.length };
  const integers = {
    ...described.integers,
    queries,
    offsets,
    candidates,
    "touching.offsets": touching.offsets,
    "touching.pairs": touching.pairs,
    "touching.others": touching.others,
  };
  return {
    counts,
    needed: { T: counts.T, S: counts.S, B: queries.length, pairs: candidates.length },
    writeTo(gpu, at) {
      writeBatch(gpu, at, { counts, integers });
      write(gpu, at("rate"), new Float32Array([learningRate]));
    },
  };
}
