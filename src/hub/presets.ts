/**
 * Encoders of the hub that are worth starting from. What is said here of each is what is published of it, written down without the
 * hub at hand; what a folder says of itself counts once it is opened. Where another source than its card stands behind a number, it is
 * named. Which commit a preset is, and what its files hash to, is only stated where it was checked: `commit` and `sha256` that are
 * missing are those of the first download.
 */
import type { BertShape, EncoderShape, ModernBertShape, Pooling } from "../domain/encoder.ts";

export interface Preset {
  /** On the hub. */
  readonly id: string;
  /** Short, for a list. */
  readonly name: string;
  /** What it is for, in one line. */
  readonly purpose: string;
  /** By the hub's names for licences. */
  readonly licence: string;
  /** "English", or how many languages. */
  readonly languages: string;
  readonly shape: EncoderShape;
  /** Trainable numbers; as float32 four times as many bytes. */
  readonly parameters: number;
  readonly pooling: Pooling;
  /** Whether its authors compare vectors of unit length. Decoy always does. */
  readonly normalised: boolean;
  readonly queryPrefix: string;
  readonly documentPrefix: string;
  /** Longest text in tokens, as its authors cut it. */
  readonly maxTokens: number;
  /** Of InfoNCE on cosines, where its authors or SyNeg name one. */
  readonly temperature?: number;
  /** A branch, until a commit was checked. */
  readonly revision: string;
  readonly commit?: string;
  /** By path. */
  readonly sha256?: Readonly<Record<string, string>>;
  /** What else to know before it is chosen. */
  readonly note?: string;
}

const bert = (
  sizes: Pick<BertShape, "layers" | "hidden" | "heads"> & Partial<Pick<BertShape, "vocabulary">>,
): BertShape => ({
  family: "bert",
  intermediate: 4 * sizes.hidden,
  vocabulary: 30522,
  positions: 512,
  types: 2,
  layerNormEpsilon: 1e-12,
  ...sizes,
});

const miniLm6 = bert({ layers: 6, hidden: 384, heads: 12 });
const miniLm12 = bert({ layers: 12, hidden: 384, heads: 12 });
const base = bert({ layers: 12, hidden: 768, heads: 12 });
const large = bert({ layers: 24, hidden: 1024, heads: 16 });
/** XLM-R's vocabulary on MiniLM's layers; its config.json says "bert". */
const multilingual12 = bert({ layers: 12, hidden: 384, heads: 12, vocabulary: 250037 });

/** answerdotai/ModernBERT-base (Warner et al., 2024). */
const modern: ModernBertShape = {
  family: "modernbert",
  layers: 22,
  hidden: 768,
  heads: 12,
  intermediate: 1152,
  vocabulary: 50368,
  positions: 8192,
  globalEvery: 3,
  window: 64,
  globalTheta: 160_000,
  localTheta: 10_000,
  layerNormEpsilon: 1e-5,
};

const usual = {
  languages: "English",
  normalised: true,
  queryPrefix: "",
  documentPrefix: "",
  maxTokens: 512,
  revision: "main",
} as const;
/** E5's cards: a text without its prefix is out of what the model was trained on. */
const e5 = { ...usual, licence: "mit", pooling: "mean", queryPrefix: "query: ", documentPrefix: "passage: " } as const;
/** Of BGE 1.5 and Arctic Embed 1: before queries only. */
const instruction = "Represent this sentence for searching relevant passages: ";

/** SyNeg's three (arXiv 2412.17250), then what suits a tab, the smallest first. */
export const presets: readonly Preset[] = [
  {
    ...usual,
    id: "OpenMatch/cocodr-base-msmarco",
    name: "COCO-DR base",
    purpose: "Searches well on fields that it has not seen; SyNeg’s first.",
    licence: "mit",
    shape: base,
    parameters: 108_891_648,
    pooling: "cls",
    // Its authors compare by dot product; SyNeg's best temperature is for cosines.
    normalised: false,
    temperature: 0.01,
    // "main" has pytorch_model.bin only; the hub's converter proposed model.safetensors here.
    revision: "refs/pr/1",
    note: "Its weights as safetensors are in a proposal of the hub's converter, which its authors have not merged.",
  },
  {
    ...e5,
    id: "intfloat/e5-base-v2",
    name: "E5 base v2",
    purpose: "For search and for likeness; SyNeg’s second.",
    shape: base,
    parameters: 108_891_648,
    // The card's FAQ.
    temperature: 0.01,
  },
  {
    ...usual,
    id: "BAAI/bge-large-en-v1.5",
    name: "BGE large",
    purpose: "The largest and slowest here; SyNeg’s third.",
    licence: "mit",
    shape: large,
    parameters: 334_092_288,
    pooling: "cls",
    queryPrefix: instruction,
    // SyNeg's best.
    temperature: 0.017,
  },
  {
    ...usual,
    id: "sentence-transformers/all-MiniLM-L6-v2",
    name: "all-MiniLM-L6",
    purpose: "Small and fast: sentences and short passages.",
    licence: "apache-2.0",
    shape: miniLm6,
    parameters: 22_565_376,
    pooling: "mean",
    maxTokens: 256,
    // Its training script scales cosines by 20.
    temperature: 0.05,
  },
  {
    ...usual,
    id: "Snowflake/snowflake-arctic-embed-xs",
    name: "Arctic Embed XS",
    purpose: "Small and fast, made for search.",
    licence: "apache-2.0",
    shape: miniLm6,
    parameters: 22_565_376,
    pooling: "cls",
    queryPrefix: instruction,
  },
  {
    ...usual,
    id: "Snowflake/snowflake-arctic-embed-s",
    name: "Arctic Embed S",
    purpose: "Small, made for search.",
    licence: "apache-2.0",
    shape: miniLm12,
    parameters: 33_212_160,
    pooling: "cls",
    queryPrefix: instruction,
  },
  {
    ...usual,
    id: "BAAI/bge-small-en-v1.5",
    name: "BGE small",
    purpose: "Small, made for search.",
    licence: "mit",
    shape: miniLm12,
    parameters: 33_212_160,
    pooling: "cls",
    queryPrefix: instruction,
    // BGE's FAQ: what it was trained with.
    temperature: 0.01,
  },
  {
    ...e5,
    id: "intfloat/e5-small-v2",
    name: "E5 small v2",
    purpose: "Small, for search and for likeness.",
    shape: miniLm12,
    parameters: 33_212_160,
    temperature: 0.01,
  },
  {
    ...usual,
    id: "thenlper/gte-small",
    name: "GTE small",
    purpose: "Small, for search and for likeness, without prefixes.",
    licence: "mit",
    shape: miniLm12,
    parameters: 33_212_160,
    pooling: "mean",
  },
  {
    ...e5,
    id: "intfloat/multilingual-e5-small",
    name: "Multilingual E5 small",
    purpose: "Small, for search and for likeness in many languages.",
    languages: "94 languages",
    shape: multilingual12,
    parameters: 117_505_920,
    temperature: 0.01,
  },
  {
    ...usual,
    id: "Alibaba-NLP/gte-modernbert-base",
    name: "GTE ModernBERT base",
    purpose: "Long documents, and code.",
    licence: "apache-2.0",
    shape: modern,
    parameters: 149_014_272,
    pooling: "cls",
    maxTokens: 8192,
  },
];

export const presetOf = (id: string): Preset | undefined => presets.find((preset) => preset.id === id);
