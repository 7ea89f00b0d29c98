/**
 * Encoder folders as sentence-transformers and transformers write them: checked, read into an arena, and written back with new
 * weights in the form that sentence-transformers reads, from 2.x to 6.x for a transformer and from 3.2 to 6.x for a static encoder.
 */
import type { FileSource } from "../base/fileSource.ts";
import { sourcesOf, type EncoderCard, type EncoderFiles, type EncoderFolder } from "../domain/encoder.ts";
import type { Pooling, WeightPrecision } from "../domain/encoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { asJson, modulesOf, utf8 } from "./folder/files.ts";
import { readBytes, readSources, textFiles, type Reading, type Sizes } from "./folder/reading.ts";
import { checkComparison, prefixesOf } from "./folder/sentence.ts";
import { isStatic, openStatic, staticFiles } from "./folder/static.ts";
import { openTransformer, transformerFiles } from "./folder/transformer.ts";
import { arenaWith, type Placed } from "./folder/weights.ts";
import type { ParameterTable } from "./parameters.ts";

/** What is known of an opened folder beside its weights. */
export interface FolderContents {
  /** Its files; those that hold weights may be left out. */
  readonly folder: EncoderFolder;
  readonly card: EncoderCard;
  readonly table: ParameterTable;
  /** Where the weights are read from. */
  readonly placed: readonly Placed[];
  readonly tokenizer: Tokenizer;
}

export interface OpenFolder extends FolderContents {
  /** In the layout of `table`. */
  readonly weights: Float32Array<ArrayBuffer>;
}

function* opening(name: string, sizes: Sizes): Reading<OpenFolder> {
  const folder = yield* textFiles(name, sizes);
  const modules = modulesOf(folder);
  const prefixes = prefixesOf(folder);
  const { shape, pooling, maxTokens, ...opened } = yield* isStatic(modules)
    ? openStatic(folder, modules, sizes)
    : openTransformer(folder, modules, sizes);
  checkComparison(folder, modules, shape.hidden);
  const card: EncoderCard = {
    name: folder.name,
    shape,
    pooling,
    queryPrefix: prefixes.query,
    documentPrefix: prefixes.document,
    maxTokens,
    parameters: opened.table.parameters,
  };
  const weights = yield* arenaWith(opened.placed, opened.table.floats);
  return { folder, card, ...opened, weights };
}

/** Reads and checks an encoder folder. Errors: UnreadableEncoder, UnreadableSafetensors, UnreadableTokenizer. */
export function openFolder(folder: EncoderFolder): OpenFolder {
  const sizes = new Map(Object.entries(folder.files).map(([path, { length }]) => [path, length]));
  return { ...readBytes(opening(folder.name, sizes), folder.files), folder };
}

/**
 * The same from files that are read in ranges: beside the arena no more than a few megabytes of the weights are in memory at
 * once, and the `folder` that comes back is without them. Errors: those of {@link openFolder}, and the sources' own.
 */
export function openSources({
  name,
  files,
}: {
  readonly name: string;
  readonly files: readonly FileSource[];
}): Promise<OpenFolder> {
  return readSources(opening(name, new Map(files.map((file) => [file.name, file.size]))), files);
}

export const openFiles = (folder: EncoderFiles): Promise<OpenFolder> =>
  openSources({ name: folder.name, files: sourcesOf(folder) });

/** The weights once more, from the files that were opened. Errors: UnreadableEncoder. */
export const readWeights = ({ placed, table }: FolderContents, folder: EncoderFiles): Promise<OpenFolder["weights"]> =>
  readSources(arenaWith(placed, table.floats), sourcesOf(folder));

export interface FolderChanges {
  readonly weights: Float32Array;
  /** How they are stored; "f32" where left out. */
  readonly precision?: WeightPrecision;
  /** A static encoder's is always the mean. */
  readonly pooling: Pooling;
  readonly queryPrefix: string;
  readonly documentPrefix: string;
  /** README.md; where left out, the folder's own is kept. */
  readonly readme?: string | undefined;
}

/** The files of a family, and the first version of sentence-transformers that reads them. */
function familyFiles({ folder, card, table }: FolderContents, { weights, precision = "f32", pooling }: FolderChanges) {
  switch (card.shape.family) {
    case "bert":
    case "modernbert":
      return { files: transformerFiles(folder, { table, card, weights, precision, pooling }), since: "2.2.0" };
    case "static":
      return { files: staticFiles(folder, modulesOf(folder), { table, weights, precision }), since: "3.2.0" };
    default:
      return card.shape satisfies never;
  }
}

/** The folder with new weights, pooling, prompts and card, in sentence-transformers' layout. Errors: WeightsTooLarge. */
export function writeFolder(opened: FolderContents, changes: FolderChanges): EncoderFolder {
  const { folder } = opened;
  const { files, since } = familyFiles(opened, changes);
  const readme = changes.readme === undefined ? folder.files["README.md"] : utf8(changes.readme);
  return {
    name: folder.name,
    files: {
      ...(readme && { "README.md": readme }),
      ...files,
      "config_sentence_transformers.json": asJson({
        __version__: { sentence_transformers: since },
        prompts: { query: changes.queryPrefix, document: changes.documentPrefix },
        default_prompt_name: null,
        similarity_fn_name: "cosine",
      }),
    },
  };
}
