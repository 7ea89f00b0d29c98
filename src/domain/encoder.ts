/** An encoder as seen from outside its engine: its shape, how it pools, what it wants before each text. */

import { digestOf, digestOfPieces } from "../base/digest.ts";
import { contentSource, piecesOf, type FileSource } from "../base/fileSource.ts";

/**
 * An encoder of BERT's blocks: post-LayerNorm, learned absolute positions, exact (erf) GELU. DistilBERT, RoBERTa, XLM-R and
 * MPNet are built like that too, but for the fields that may be left out: where one is, it is as in BERT.
 */
export interface BertShape {
  readonly family: "bert";
  /** Whose names the parameters have in files; RoBERTa and XLM-R use BERT's. */
  readonly names?: "bert" | "distilbert" | "mpnet";
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
  /** P, positions in the table; {@link mostTokens} says how long a text may be. */
  readonly positions: number;
  /** Position of a text's first token, 0 if left out: RoBERTa, XLM-R and MPNet count from padding_idx + 1. */
  readonly firstPosition?: number;
  /** Token types, of which only type 0 is used; DistilBERT and MPNet have none. */
  readonly types: number;
  /** Entries a head of a bias on the scores by the distance from query to key, shared by all layers; none if left out. */
  readonly distanceBuckets?: number;
  readonly layerNormEpsilon: number;
}

/**
 * ModernBERT (Warner et al., 2024): pre-LayerNorm, rotary positions, GeGLU with exact (erf) GELU, no biases; layers that see
 * the whole text between layers that see a window.
 */
export interface ModernBertShape {
  readonly family: "modernbert";
  /** Transformer blocks; the first has no norm before its attention. */
  readonly layers: number;
  /** H, the width of a token. */
  readonly hidden: number;
  /** N; head size D = H / N, which is even. */
  readonly heads: number;
  /** I, the width inside the feed-forward, behind the gate. */
  readonly intermediate: number;
  /** V, entries of the vocabulary. */
  readonly vocabulary: number;
  /** No text may have more tokens. */
  readonly positions: number;
  /** Layers 0, n, 2n, … see the whole text. */
  readonly globalEvery: number;
  /** In the others a token sees so many on each side of it. */
  readonly window: number;
  /** θ of the rotary positions in layers that see the whole text, and in the others. */
  readonly globalTheta: number;
  readonly localTheta: number;
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

export type EncoderShape = BertShape | ModernBertShape | StaticShape;

/** Tokens of the longest text, special tokens included. */
export const mostTokens = ({ positions, firstPosition = 0 }: Pick<BertShape, "positions" | "firstPosition">): number =>
  positions - firstPosition;

/** An encoder's build in a few words: "2 layers, 128 wide". */
export function describeShape(shape: EncoderShape): string {
  switch (shape.family) {
    case "bert":
    case "modernbert":
      return `${shape.layers} ${shape.layers === 1 ? "layer" : "layers"}, ${shape.hidden} wide`;
    case "static":
      return `static token vectors, ${shape.hidden} wide`;
    default:
      return shape satisfies never;
  }
}

/**
 * The peak learning rate where a recipe is silent. A static encoder has nothing but its table, and needs larger steps:
 * chosen on the dev split of the built-in collection, where 2e-4 changed next to nothing and 1e-2 was too much. ModernBERT's
 * was not chosen by trials: a common one for pre-trained encoders of its size, which take 1e-5 to 1e-4.
 */
const usualLearningRates = { bert: 2e-5, modernbert: 2e-5, static: 1e-3 } as const satisfies Record<
  EncoderShape["family"],
  number
>;

/** LoRA's: 2e-4 to 5e-4 in its paper (Hu et al., arXiv 2106.09685, table 9: RoBERTa). Not chosen by trials of ours. */
const LORA_RATE = 2e-4;

export const usualLearningRate = ({ family }: Pick<EncoderShape, "family">, lora: boolean): number =>
  lora ? LORA_RATE : usualLearningRates[family];

/** How token vectors become one; "mean" is all that a static encoder knows. */
export type Pooling = "mean" | "cls";

/** How the weights in an encoder folder are stored. */
export type WeightPrecision = "f32" | "f16";

/** An encoder folder in memory: path inside the folder → bytes ("config.json", "1_Pooling/config.json", …). */
export interface EncoderFolder {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** An encoder folder as it is opened: blobs may lie on disk, and are read in ranges. */
export interface EncoderFiles {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer> | Blob>>;
}

export const sourcesOf = ({ files }: EncoderFiles): readonly FileSource[] =>
  Object.entries(files).map(([path, content]) => contentSource(path, content));

/** SHA-256 over the folder's file names and contents, in the names' order: the encoder's identity. */
export async function encoderDigest(folder: EncoderFiles): Promise<string> {
  const sources = sourcesOf(folder).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const digests: [path: string, digest: string][] = [];
  for (const source of sources) digests.push([source.name, await digestOfPieces(piecesOf(source, 4 * 2 ** 20))]);
  return digestOf(digests);
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
/**
 * What the matrix products of a training step multiply in. "f16": numbers are rounded to 11 bits before they are multiplied, each
 * block of 4 × 4 with an exponent of its own, and the products are added up in float32 (kernels/linear). Weights, moments, all else
 * that is computed, and every encoding that is measured or exported are float32 in both.
 */
export const precisionNames = ["f32", "f16"] as const;
export type Precision = (typeof precisionNames)[number];

export interface EngineInfo {
  readonly kind: EngineKind;
  /** "NVIDIA GeForce RTX 3060", "SwiftShader (software)", "1 thread", … */
  readonly device: string;
  /** Why not the other one; empty where nothing needs saying. */
  readonly note: string;
  /** What it can train in; f32 alone where left out. */
  readonly precisions?: readonly Precision[];
}

/** One vector a text, row by row: (texts, dimensions), each of unit length. */
export interface Vectors {
  readonly dimensions: number;
  readonly values: Float32Array<ArrayBuffer>;
}
