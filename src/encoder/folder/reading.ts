/**
 * Reading an encoder's files without knowing where they lie: what opens a folder asks for ranges, one at a time, and is
 * answered at once from bytes in memory, or later from sources. So there is one way to open a folder, and its weights need not
 * be in memory beside the arena that they go into.
 */
import { isUserError, messageOf } from "../../base/errors.ts";
import type { FileSource } from "../../base/fileSource.ts";
import type { EncoderFolder } from "../../domain/encoder.ts";
import { UnreadableEncoder } from "./files.ts";

export interface Range {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** Yields what it wants to read, and is given its bytes. */
export type Reading<T> = Generator<Range, T, Uint8Array<ArrayBuffer>>;

/** Bytes of each file by its path. */
export type Sizes = ReadonlyMap<string, number>;

export function readBytes<T>(reading: Reading<T>, files: EncoderFolder["files"]): T {
  let step = reading.next();
  while (!step.done) {
    const { path, start, end } = step.value;
    step = reading.next(files[path]?.subarray(start, end) ?? new Uint8Array());
  }
  return step.value;
}

async function rangeOf(source: FileSource | undefined, { path, start, end }: Range): Promise<Uint8Array<ArrayBuffer>> {
  const problem = (why: string, cause?: unknown) =>
    new UnreadableEncoder(
      `${path} could not be read to its end (${why}). It may have been moved or changed since it was chosen: choose it again.`,
      { cause },
    );
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  try {
    bytes = await source?.read(start, end);
  } catch (error) {
    throw isUserError(error) ? error : problem(messageOf(error), error);
  }
  if (bytes?.length === end - start) return bytes;
  throw problem(`${bytes?.length ?? 0} bytes instead of ${end - start} at byte ${start}`);
}

export async function readSources<T>(reading: Reading<T>, sources: readonly FileSource[]): Promise<T> {
  const byName = new Map(sources.map((source) => [source.name, source]));
  let step = reading.next();
  while (!step.done) step = reading.next(await rangeOf(byName.get(step.value.path), step.value));
  return step.value;
}

/** sentence_bert_config.json, and the names that it had before (sentence-transformers, Transformer.load), in the order that they are looked for. */
export const LENGTH_FILES = [
  "sentence_bert_config.json",
  "sentence_roberta_config.json",
  "sentence_distilbert_config.json",
  "sentence_camembert_config.json",
  "sentence_xlm-roberta_config.json",
];

/** What is read of an encoder beside its weights, in the root or in a module's folder. */
const TEXT_FILES = [
  "modules.json",
  "config.json",
  "config_sentence_transformers.json",
  ...LENGTH_FILES,
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "sentencepiece.bpe.model",
  "model.safetensors.index.json",
  "README.md",
];
/** The tokenizer.json of XLM-R, with 250,000 entries, has 17 MB. */
const MAX_TEXT_FILE = 64 * 2 ** 20;
const MAX_TEXT_FILES = 64;

const isText = (path: string): boolean => {
  const parts = path.split("/");
  return parts.length <= 2 && TEXT_FILES.includes(parts.at(-1) ?? "");
};

/** The folder without its weights. */
export function* textFiles(name: string, sizes: Sizes): Reading<EncoderFolder> {
  const texts = [...sizes].filter(([path]) => isText(path));
  if (texts.length > MAX_TEXT_FILES)
    throw new UnreadableEncoder(
      `There are ${texts.length} files of an encoder here; one has at most ${MAX_TEXT_FILES}. Choose the folder of one encoder.`,
    );
  const files: [string, Uint8Array<ArrayBuffer>][] = [];
  for (const [path, size] of texts) {
    if (size > MAX_TEXT_FILE)
      throw new UnreadableEncoder(
        `${path} has ${size} bytes; at most ${MAX_TEXT_FILE} are read. It is not what an encoder has under this name.`,
      );
    files.push([path, yield { path, start: 0, end: size }]);
  }
  return { name, files: Object.fromEntries(files) };
}
