/** What the exporter's thread does: encoders as ONNX, each compared with the engine before it is given out. */
import type { Stage } from "../../base/channel.ts";
import type { EncoderFolder, WeightPrecision } from "../../domain/encoder.ts";
import type { Progress } from "../../domain/stages.ts";
import type { Precision } from "./builder.ts";
import type { Comparison } from "./compare.ts";

/** An encoder in the given folder, and what the engine made of some texts with it. */
export interface Side {
  /** "" where the folder is one encoder; "queries/" and "documents/" where it holds two. */
  readonly under: "" | "queries/" | "documents/";
  readonly kind: "query" | "document";
  /** Some 32, without prefix. */
  readonly texts: readonly string[];
  /** How many tokens the engine kept of each. */
  readonly maxTokens: number;
  /** (S, H), the engine's unit vectors of the texts. */
  readonly vectors: Float32Array<ArrayBuffer>;
}

/** Cosines of one file's vectors with the engine's. */
export interface Compared extends Comparison {
  readonly under: Side["under"];
  readonly precision: Precision;
}

export type PackReport =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "compared"; readonly compared: Compared };

export interface OnnxExporter {
  /**
   * The folder with its encoders in these precisions beside what it holds, as one zip. Errors: OnnxDiffers, OnnxUnchecked,
   * OnnxTooLarge, UnreadableEncoder, WeightsTooLarge; then there is no zip.
   */
  pack: Stage<
    {
      readonly folder: EncoderFolder;
      readonly sides: readonly Side[];
      readonly precisions: readonly Precision[];
      /** How the weights in safetensors are to be stored; as they are where left out. The models are made of those in the folder. */
      readonly weights?: WeightPrecision;
    },
    PackReport,
    Blob
  >;
}
