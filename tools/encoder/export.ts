/**
 * Last part of making the built-in encoders: the trained weights of WORK as encoder folders in half precision.
 *
 *   node tools/run.mjs tools/encoder/export.ts [WORK=out/encoder]
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { size } from "../../src/encoder/parameters.ts";
import { copyNumbers, readSafetensors, type NamedNumbers } from "../../src/encoder/safetensors.ts";
import type { BertShape } from "../../src/domain/encoder.ts";
import { bertFiles, staticFiles, type Files } from "./folders.ts";

/** decoy-static's table, vocabulary × 352 in half precision, must fit into 4.5 MB; decoy-small has 12 MB. */
export const ENTRIES = { static: 6144, small: 12_288 } as const;
const MAX_TOKENS = 256;
const SMALL = { family: "bert", layers: 2, hidden: 320, heads: 5, intermediate: 640 } as const;
const SMALL_SHAPE: BertShape = {
  ...SMALL,
  vocabulary: ENTRIES.small,
  positions: 512,
  types: 2,
  layerNormEpsilon: 1e-12,
};

function tensorsOf(file: string): NamedNumbers[] {
  return [...readSafetensors(readFileSync(file))].map(([name, tensor]) => {
    const values = new Float32Array(size(tensor.shape));
    copyNumbers(tensor, values);
    return { name, shape: tensor.shape, values };
  });
}

function write(directory: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(directory, name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  console.log(directory);
}

/** Writes public/encoders/decoy-static and decoy-small, all but their cards. */
export function main([work = "out/encoder"]: readonly string[]): number {
  const weights = (name: string) => tensorsOf(path.join(work, `${name}.safetensors`));
  const tokenizer = (name: string) => readFileSync(path.join(work, name, "tokenizer.json"), "utf8");
  write("public/encoders/decoy-static", staticFiles(weights("static"), tokenizer("static")));
  const small = { tensors: weights("small"), tokenizer: tokenizer("small") };
  write("public/encoders/decoy-small", bertFiles(SMALL_SHAPE, MAX_TOKENS, small));
  return 0;
}
