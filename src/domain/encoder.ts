/** An encoder as seen from outside its engine: its shape, how it pools, what it wants before each text. */

import { digest, digestOf } from "../base/digest.ts";

/** A BERT-family encoder: post-LayerNorm blocks, learned absolute positions, exact (erf) GELU. */
export interface BertShape {
  readonly family: "bert";
  /** Transformer blocks. */
  readonly layers: number;
  /** H, the width of a token. */
  readonly hidden: number;
  /** N; head size D = H / N. */
  readonly heads: number;
  /** I, the width inside the feed-forward. */
  readonly intermediate: number;
  /** V, entries of the vocabulary. */
  readonly vocabulary: number;
  /** P, positions: no text may have more tokens. */
  readonly positions: number;
  /** Token types; only type 0 is used. */
  readonly types: number;
  readonly layerNormEpsilon: number;
}

/** One vector a token and nothing else (StaticEmbedding of sentence-transformers): a text's is the mean of its tokens'. */
export interface StaticShape {
  readonly family: "static";
  /** H, the width of a token. */
  readonly hidden: number;
  /** V, entries of the vocabulary. */
  readonly vocabulary: number;
}

export type EncoderShape = BertShape | StaticShape;

/** An encoder's build in a few words: "2 layers, 128 wide". */
export function describeShape(shape: EncoderShape): string {
  switch (shape.family) {
    case "bert":
      return `${shape.layers} ${shape.layers === 1 ? "layer" : "layers"}, ${shape.hidden} wide`;
    case "static":
      return `static token vectors, ${shape.hidden} wide`;
    default:
      return shape satisfies never;
  }
}

/** How token vectors become one; "mean" is all that a static encoder knows. */
/**
 * The peak learning rate where a recipe is silent. A static encoder has nothing but its table, and needs larger steps:
 * chosen on the dev split of the built-in collection, where 2e-4 changed next to nothing and 1e-2 was too much.
 */
export const usualLearningRates = { bert: 2e-5, static: 1e-3 } as const satisfies Record<
  EncoderShape["family"],
  number
>;

export type Pooling = "mean" | "cls";

/** An encoder folder as files: path inside the folder → bytes ("config.json", "1_Pooling/config.json", …). */
export interface EncoderFolder {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** SHA-256 over the folder's file names and contents, in the names' order: the encoder's identity. */
export function encoderDigest({ files }: EncoderFolder): string {
  const entries = Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return digestOf(entries.map(([path, bytes]) => [path, digest(bytes)]));
}

/** What an encoder folder says of itself. */
export interface EncoderCard {
  readonly name: string;
  readonly shape: EncoderShape;
  readonly pooling: Pooling;
  readonly queryPrefix: string;
  readonly documentPrefix: string;
  /** Longest text in tokens, special tokens included; a static encoder adds none. */
  readonly maxTokens: number;
  /** Trainable numbers. */
  readonly parameters: number;
}

export type EngineKind = "webgpu" | "cpu";
export type EngineChoice = EngineKind | "auto";

/** The engine that was chosen, and why, in words for the person. */
export interface EngineInfo {
  readonly kind: EngineKind;
  /** "NVIDIA GeForce RTX 3060", "SwiftShader (software)", "1 thread", … */
  readonly device: string;
  /** Why not the other one; empty where nothing needs saying. */
  readonly note: string;
}

/** One vector a text, row by row: (texts, dimensions), each of unit length. */
export interface Vectors {
  readonly dimensions: number;
  readonly values: Float32Array<ArrayBuffer>;
}
