/** How much memory a step takes, from the same sizes that its arenas are made of. */
import type { MemoryUse, PlannedTraining, StepSize, TrainerSettings } from "../../domain/engine.ts";
import { parameterTable } from "../../encoder/parameters.ts";
import { trainedTable, type Trained } from "../../encoder/trained.ts";
import { programOf } from "../../encoder/webgpu/family.ts";
import type { Program, ProgramOptions } from "../../encoder/webgpu/program.ts";
import { rooms, type Capacity, type Sizes } from "../../encoder/webgpu/tensors.ts";
import { layOut, type Rooms } from "../../gpu/arena.ts";
import { outOfMemory } from "../../gpu/errors.ts";
import { PARTIALS } from "../../kernels/gradnorm/gradnorm.ts";
import { pieceRanges } from "./arenas.ts";
import { enough, roundDown } from "./capacity.ts";
import { lossRooms, pairSizes } from "./loss.ts";
import { momentBytes } from "./optimiser.ts";

/** What the passes of a training are planned by. */
export const programOptions = (
  trained: Trained,
  { dropout, recompute = false }: TrainerSettings,
  plans: Pick<ProgramOptions, "linear" | "stepLinear"> = {},
): ProgramOptions => ({ trained, dropout, recompute, ...plans });

/** Bytes of activations that a step may hold where the recipe names no bound, as in the CPU engine. */
const KEPT_BYTES = 2 ** 30;
/** At which the bytes of a token are worked out, and texts of so many tokens. */
const SAMPLE = { T: 4096, S: 128 };

/** Most tokens that are encoded at once: the recipe's number, or as many as {@link KEPT_BYTES} hold. A function of these alone. */
export function microTokensOf(program: Program, { microTokens }: TrainerSettings): number {
  if (microTokens !== undefined) return microTokens;
  const all = [...program.step.activations(SAMPLE).values(), ...rooms(program.step.indexSizes(SAMPLE)).values()];
  const bytes = all.reduce((sum, room) => sum + room.bytes, 0);
  return Math.max(512, roundDown(Math.floor((KEPT_BYTES * SAMPLE.T) / bytes)));
}

/** What a plan has room for: tokens and texts of a part; queries, candidates and vectors of a batch. More needs a new plan. */
export interface StepCapacity extends Capacity {
  readonly B: number;
  readonly pairs: number;
  /** Texts of the batch, and fixed vectors. */
  readonly vectors: number;
  /** Whether a batch may have several parts, whose vectors are gathered. */
  readonly parted: boolean;
  /** Whether gradients are added up over parts or batches. */
  readonly adds: boolean;
}

/** Whether a plan with room for `have` serves a step that needs `need`. */
export const fits = (have: StepCapacity, need: StepCapacity): boolean =>
  need.T <= have.T &&
  need.S <= have.S &&
  need.B <= have.B &&
  need.pairs <= have.pairs &&
  need.vectors <= have.vectors &&
  (have.parted || !need.parted) &&
  (have.adds || !need.adds);

/** Room for all that `have` has room for, and for `need`. */
export const grown = (have: StepCapacity | undefined, need: StepCapacity): StepCapacity => ({
  T: enough(have?.T, need.T),
  S: enough(have?.S, need.S),
  B: enough(have?.B, need.B),
  pairs: enough(have?.pairs, need.pairs),
  vectors: enough(have?.vectors, need.vectors),
  parted: need.parted || have?.parted === true,
  adds: need.adds || have?.adds === true,
});

/** The arenas of a plan, by the names of their tensors. */
export interface StepRooms {
  readonly index: Rooms;
  readonly activations: Rooms;
  readonly vectors: Rooms;
}

/** Kernels read one bank of the vectors and write another (encoder/webgpu/tensors.ts). */
const vectorBanks: Sizes = { embedding: 1, "d.embedding": 3 };

export function stepRooms(
  program: Program,
  settings: TrainerSettings,
  capacity: StepCapacity,
  { hidden, pieces }: { readonly hidden: number; readonly pieces: number },
): StepRooms {
  const pairs = { ...capacity, S: capacity.vectors };
  const own = rooms(
    { embedding: capacity.vectors * hidden, "d.embedding": capacity.vectors * hidden },
    (name) => vectorBanks[name] ?? 0,
  );
  const partial = rooms({ partial: pieces * PARTIALS }, () => 5);
  // A batch in one part leaves its vectors where the loss wants them.
  const activations = [...program.step.activations(capacity)].filter(([name]) => capacity.parted || !own.has(name));
  return {
    index: rooms({ ...program.step.indexSizes(capacity), ...pairSizes(pairs, settings), rate: 4 }),
    activations: new Map(activations),
    vectors: new Map([...own, ...lossRooms(pairs, settings), ...partial]),
  };
}

/** Errors: GpuOutOfMemory for a tensor that is more than may be bound. */
function bytesOf(all: Rooms, { maxBufferSize, maxStorageBufferBindingSize: most }: Limits): number {
  for (const [name, { bytes }] of all) {
    if (bytes > most) throw outOfMemory(name, bytes, `it allows ${most} bytes in one binding`);
  }
  return layOut(all, maxBufferSize).slabs.reduce((sum, bytes) => sum + bytes, 0);
}

type Limits = Pick<GPUSupportedLimits, "maxBufferSize" | "maxStorageBufferBindingSize">;

/** The capacity that a plan for a step of this size has. */
export function capacityFor(size: StepSize, microTokens: number): StepCapacity {
  const { tokens, texts, longest, queries, candidates, fixed = 0, batches = 1 } = size;
  const T = Math.min(tokens, Math.max(microTokens, longest));
  return grown(undefined, {
    T,
    S: Math.min(texts, T),
    B: queries,
    pairs: candidates,
    vectors: texts + fixed,
    parted: T < tokens,
    adds: T < tokens || batches > 1,
  });
}

/** What a training holds at once on the GPU. Errors: GpuOutOfMemory where `limits` allow no such tensor; NothingTrains. */
export function predictMemory({ shape, pooling, settings, largest }: PlannedTraining, limits: Limits): MemoryUse {
  const table = parameterTable(shape);
  const trained = trainedTable(shape, settings.tuning);
  const program = programOf(shape, pooling, programOptions(trained, settings));
  const { hidden } = shape;
  const pieces = pieceRanges(trained, limits.maxStorageBufferBindingSize).length;
  const { index, activations, vectors } = stepRooms(
    program,
    settings,
    capacityFor(largest, microTokensOf(program, settings)),
    {
      hidden,
      pieces,
    },
  );
  const parts = {
    weights: 4 * table.floats,
    adapters: trained.lora ? 4 * trained.floats : 0,
    gradient: 4 * trained.floats,
    moments: momentBytes(settings.optimizer ?? "adamw") * trained.floats,
    activations: bytesOf(index, limits) + bytesOf(activations, limits) + bytesOf(vectors, limits),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}
