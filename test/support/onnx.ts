/** Small encoders of every family for ONNX, texts for them, and what the CPU engine makes of these. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { EncoderFolder, Pooling } from "../../src/domain/encoder.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { openFolder, type OpenFolder } from "../../src/encoder/folder.ts";
import { referenceOf, type Reference } from "../../src/export/onnx/compare.ts";
import type { OnnxFolder } from "../../src/export/onnx/folder.ts";
import { SPECIAL_TOKENS } from "../../tools/encoder/vocabulary.ts";
import { wordPieceJson } from "../../tools/encoder/tokenizer.ts";
import { pieces } from "./encoder.ts";
import { familyFolder, familyNames } from "./families.ts";
import { staticEncoder } from "./staticEncoder.ts";

export const onnxFamilies = [...familyNames, "static"] as const;
export type OnnxFamily = (typeof onnxFamilies)[number];

/** Long enough that MPNet's distances share entries and ModernBERT's windows end. */
const config = { max_position_embeddings: 82 };

/** RoBERTa, XLM-R and MPNet pad with token 1. */
const [pad, unknown, ...others] = SPECIAL_TOKENS;
const swapped = [unknown, pad, ...others];
const padsWithOne = {
  ...wordPieceJson([...swapped, ...pieces.slice(swapped.length)]),
  added_tokens: swapped.map((content, id) => ({ id, content, special: true })),
};

function folderOf(family: OnnxFamily): EncoderFolder {
  switch (family) {
    case "static":
      return staticEncoder();
    case "roberta":
    case "xlm-roberta":
    case "mpnet":
      return familyFolder(family, { config, files: { "tokenizer.json": padsWithOne } });
    case "bert":
    case "distilbert":
    case "modernbert":
      return familyFolder(family, { config });
    default:
      return family satisfies never;
  }
}

/** The family's encoder with another pooling than the mean. */
export function openFamily(family: OnnxFamily, pooling: Pooling = "mean"): OpenFolder {
  const opened = openFolder(folderOf(family));
  return { ...opened, card: { ...opened.card, pooling } };
}

const words = ["the", "cat", "dog", "sat", "ran", "on", "mat", "sea", "salt", "tide", "moon"];

/** Texts of 1 to 60 words, all of them in the vocabulary. */
export const someTexts = (count: number): string[] =>
  Array.from({ length: count }, (_, s) =>
    Array.from({ length: 1 + ((s * 23) % 60) }, (_, i) => words[(s * 7 + i * i + (i % 5)) % words.length]).join(" "),
  );

/** The CPU engine's vectors of these texts. */
export async function engineReference(opened: OpenFolder, texts: readonly string[]): Promise<Reference> {
  const { card, weights } = opened;
  const reference = referenceOf(opened, { texts, maxTokens: card.maxTokens, vectors: new Float32Array() });
  const engine = await createCpuEngine();
  const model = await engine.createModel({ shape: card.shape, weights, pooling: card.pooling });
  try {
    return { ...reference, vectors: await model.embed(reference.texts) };
  } finally {
    model.dispose();
    engine.dispose();
  }
}

/** Writes a folder's files and models as a person's disk would hold them. */
export function writeTo(directory: string, { files, models }: OnnxFolder): void {
  const write = (name: string, chunks: Iterable<Uint8Array>) => {
    const at = path.join(directory, name);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, Buffer.concat([...chunks]));
  };
  for (const [name, bytes] of Object.entries(files)) write(name, [bytes]);
  for (const { path: name, file } of models) write(name, file.chunks());
}
