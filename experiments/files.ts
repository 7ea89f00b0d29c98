/** Folders on disk as the values that the readers take. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { UserError } from "../src/base/errors.ts";
import type { EncoderFolder } from "../src/domain/encoder.ts";
import type { TrainingRow, TrainingSet } from "../src/domain/training.ts";
import * as v from "valibot";

/** A path or an option that does not fit. */
export class BadArgument extends UserError {
  override readonly name = "BadArgument";
}

/** Folders that a command line names by a word; "built-in" where it is silent. */
export interface Shipped {
  readonly data: Readonly<Record<string, string>>;
  readonly encoder: Readonly<Record<string, string>>;
}

const small = "public/encoders/decoy-small";

/** What comes with Decoy. */
export const shipped: Shipped = {
  data: { "built-in": "public/collection" },
  encoder: { "built-in": small, "decoy-small": small, "decoy-static": "public/encoders/decoy-static" },
};

/** The folder that `value` names, or is. */
export function rootOf(known: Readonly<Record<string, string>>, value = "built-in"): string {
  return (Object.hasOwn(known, value) ? known[value] : undefined) ?? value;
}

export interface GivenFile {
  readonly path: string;
  readonly blob: Blob;
}

function directory(root: string, what: string): string {
  if (!existsSync(root)) throw new BadArgument(`${root} does not exist. Give ${what}.`);
  if (!statSync(root).isDirectory()) throw new BadArgument(`${root} is not a folder. Give ${what}.`);
  return root;
}

/** Everything under `root`, by its path in it. */
function walk(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => statSync(path.join(root, file)).isFile())
    .map((file) => file.split(path.sep).join("/"))
    .toSorted();
}

/** The files of a BEIR folder. */
export function collectionFiles(root: string): GivenFile[] {
  const name = path.basename(path.resolve(root));
  const wanted = /^(corpus|queries|negatives)\.jsonl$|^meta\.json$|^qrels\/[^/]+\.tsv$/u;
  return walk(directory(root, "a BEIR folder: corpus.jsonl, queries.jsonl, qrels/*.tsv"))
    .filter((file) => wanted.test(file))
    .map((file) => ({ path: `${name}/${file}`, blob: new Blob([readFileSync(path.join(root, file))]) }));
}

/** Large files that other runtimes use, and that say nothing new. */
const NOT_NEEDED = /^(onnx|openvino)\/|\.(bin|h5|msgpack|ot|onnx)$|^\.git\//u;

/** An encoder folder as it lies on disk. */
export function encoderFolder(root: string): EncoderFolder {
  const files = walk(directory(root, "an encoder folder: config.json, model.safetensors, tokenizer.json"))
    .filter((file) => !NOT_NEEDED.test(file))
    .map((file) => [file, new Uint8Array(readFileSync(path.join(root, file)))] as const);
  return { name: path.basename(path.resolve(root)), files: Object.fromEntries(files) };
}

const trainingLine = v.looseObject({
  query: v.pipe(v.string(), v.minLength(1)),
  positive: v.pipe(v.string(), v.minLength(1)),
  negatives: v.array(v.string()),
});

function parsedLine(line: string, at: string): v.InferOutput<typeof trainingLine> {
  try {
    return v.parse(trainingLine, JSON.parse(line));
  } catch (error) {
    const reason = error instanceof v.ValiError ? error.message : "not JSON";
    throw new BadArgument(`${at}: ${reason}. Each line is {"query": text, "positive": text, "negatives": [text, …]}.`);
  }
}

/** Training rows as they stand in a file, in its order. */
export function trainingFile(file: string): TrainingSet {
  if (!existsSync(file)) throw new BadArgument(`${file} does not exist. Give a JSONL file of training rows.`);
  const rows: TrainingRow[] = [];
  const [queries, documents]: [string[], string[]] = [[], []];
  const add = (texts: string[], text: string) => texts.push(text) - 1;
  for (const [i, line] of readFileSync(file, "utf8").split("\n").entries()) {
    if (line.trim() === "") continue;
    const { query, positive, negatives } = parsedLine(line, `${file} line ${i + 1}`);
    rows.push({
      query: add(queries, query),
      positive: add(documents, positive),
      negatives: negatives.map((text) => ({ source: "given", document: add(documents, text) })),
    });
  }
  if (rows.length === 0) throw new BadArgument(`${file} has no rows. Each line is {"query", "positive", "negatives"}.`);
  return { queries, documents, rows };
}
