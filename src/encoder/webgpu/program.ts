/** What a family of encoders runs on the GPU: two lists of passes, what they have to know of a batch, and the room they need. */
import type { Rooms } from "../../gpu/arena.ts";
import type { Dispatch } from "../../gpu/pass.ts";
import type { Counts } from "../../kernels/counts.ts";
import type { LinearPlan } from "../../kernels/linear/variants.ts";
import type { Dropout, PackedTexts } from "../../domain/engine.ts";
import type { Trained } from "../trained.ts";
import type { At, Capacity, Sizes } from "./tensors.ts";

export type Passes = readonly Dispatch<Counts>[];

export interface ForwardTensors {
  /** By region. */
  readonly weight: At;
  /** LoRA's matrices by their regions (encoder/trained.ts); there where the program has adapters. */
  readonly adapter?: At;
  readonly index: At;
  readonly activation: At;
}

export interface BackwardTensors extends ForwardTensors {
  /**
   * Gradients of what trains, by region; asked for nothing else. Rows of the embedding tables that no token reads are not
   * written.
   */
  readonly gradient: At;
  /** Whether gradients are added to those that are there. */
  readonly adds: boolean;
}

/** What a program is besides its shape. */
export interface ProgramOptions {
  readonly trained: Trained;
  /** Of the step's forward pass alone. */
  readonly dropout?: Dropout | undefined;
  /** Keeps only what each layer starts from, and makes the rest of it again on the way back. */
  readonly recompute: boolean;
  /** Which of their forms matrix products take; the defaults if left out. */
  readonly linear?: LinearPlan | undefined;
  /** The same of a step's own passes, in its precision; `linear` if left out. */
  readonly stepLinear?: LinearPlan | undefined;
}

/** A batch as the passes see it. Its numbers for dropout are whoever's that writes it. */
export interface Described {
  /** Of queries there are none yet. */
  readonly counts: Counts;
  /** By the names of the index; `counts` is not among them. Rotary angles are the only ones that are no integers. */
  readonly integers: Readonly<Record<string, Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>>;
}

export interface Needs {
  /** Errors: GpuOutOfMemory for a batch that no GPU takes at once. */
  describe(texts: PackedTexts): Described;
  indexSizes(capacity: Capacity): Sizes;
  activations(capacity: Capacity): Rooms;
}

export interface Program {
  /** From `tokenIds` of the index to `embedding` (S, H), without dropout. */
  readonly forward: (tensors: ForwardTensors) => Passes;
  /** The same for a step: with dropout, if there is any. */
  readonly trainForward: (tensors: ForwardTensors) => Passes;
  /** From `d.embedding` (S, H) to the gradients, after a forward pass whose activations were kept. */
  readonly backward: (tensors: BackwardTensors) => Passes;
  /** Of the forward pass alone. */
  readonly embed: Needs & {
    /** The name in `activations` of a tensor that {@link Program.forward} names: several may share one room. */
    readonly roomOf: (name: string) => string;
  };
  /** Of trainForward and backward; with `recompute`, several names share one room here too. */
  readonly step: Needs & { readonly roomOf: (name: string) => string };
  /** Regions of the gradient, of those that train, that keep what they held in the rows that a batch does not read. */
  readonly sparse: readonly string[];
}
