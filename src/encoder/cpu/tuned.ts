/** What a trainer moves of a model's weights: parts of them where they are, or LoRA's matrices beside them. */
import { assert } from "../../base/assert.ts";
import type { ParameterTable } from "../parameters.ts";
import { initialAdapters, type Trained } from "../trained.ts";
import { createAdapters, wantedOf } from "./adapters.ts";
import type { Part } from "./adamw.ts";
import type { Arena, Wanted } from "./network.ts";

export interface Tuned {
  /** Of which weights the gradient is needed, and the arena that it is added to. */
  readonly wanted: Wanted;
  readonly dWeights: Arena;
  /** In the layout of what trains. */
  readonly gradient: Arena;
  /** The numbers that train. */
  readonly parts: readonly Part[];
  /** Bytes of its own. */
  readonly bytes: number;
  /** Fills `gradient` from `dWeights`. */
  differentiated(): void;
  /** To be called when the numbers have moved: changes the model's weights where these are others. */
  moved(): void;
}

interface Model {
  readonly table: ParameterTable;
  readonly trained: Trained;
  readonly weights: Arena;
}

/** `seed` is of LoRA's start. */
export const tunedOf = (model: Model, seed: number): Tuned => (model.trained.lora ? lora(model, seed) : direct(model));

function direct({ trained, weights }: Model): Tuned {
  const gradient = new Float32Array(trained.floats);
  const parts = trained.ranges.map(({ offset, weights: at, floats }) => ({
    numbers: weights.subarray(at, at + floats),
    offset,
  }));
  const none = () => undefined;
  const { byteLength: bytes } = gradient;
  return { wanted: trained, dWeights: gradient, gradient, parts, bytes, differentiated: none, moved: none };
}

function lora({ table, trained, weights }: Model, seed: number): Tuned {
  const wanted = wantedOf(table, trained);
  const { kept, merge, project } = createAdapters(table, trained, weights);
  const numbers = initialAdapters(trained, seed);
  const gradient = new Float32Array(trained.floats);
  const dWeights = new Float32Array(wanted.floats);
  return {
    wanted,
    dWeights,
    gradient,
    parts: [{ numbers, offset: 0 }],
    bytes: [kept, numbers, gradient, dWeights].reduce((sum, { byteLength }) => sum + byteLength, 0),
    differentiated: () => project(dWeights, numbers, gradient),
    moved: () => merge(weights, numbers),
  };
}

/** A copy of the numbers that train, in an arena. */
export function numbersOf({ parts, gradient }: Tuned): Arena {
  const arena = new Float32Array(gradient.length);
  for (const { numbers, offset } of parts) arena.set(numbers, offset);
  return arena;
}

export function setNumbers(tuned: Tuned, arena: Arena): void {
  const { parts, gradient } = tuned;
  assert(arena.length === gradient.length, `${arena.length} numbers for ${gradient.length} that train`);
  for (const { numbers, offset } of parts) numbers.set(arena.subarray(offset, offset + numbers.length));
  tuned.moved();
}
