/**
 * Encoder folders as sentence-transformers and transformers write them: checked, read into an arena, and written back with new
 * weights in the form that sentence-transformers reads, from 2.x to 6.x for a transformer and from 3.2 to 6.x for a static encoder.
 */
import * as v from "valibot";
import type { FileSource } from "../base/fileSource.ts";
import type { EncoderCard, EncoderFolder, Pooling } from "../domain/encoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { asJson, modulesOf, optionalJson, utf8 } from "./folder/files.ts";
import { readBytes, readSources, textFiles, type Reading, type Sizes } from "./folder/reading.ts";
import { isStatic, openStatic, staticFiles } from "./folder/static.ts";
import { openTransformer, transformerFiles } from "./folder/transformer.ts";
import type { ParameterTable } from "./parameters.ts";

export interface OpenFolder {
  /** Its files; those that hold weights may be left out. */
  readonly folder: EncoderFolder;
  readonly card: EncoderCard;
  readonly table: ParameterTable;
  /** In the layout of `table`. */
  readonly weights: Float32Array<ArrayBuffer>;
  readonly tokenizer: Tokenizer;
}

const promptsJson = v.looseObject({
  prompts: v.nullish(v.record(v.string(), v.string())),
  default_prompt_name: v.nullish(v.string()),
});

function prefixesOf(folder: EncoderFolder): { readonly query: string; readonly document: string } {
  const config = optionalJson(promptsJson, folder, "config_sentence_transformers.json");
  const prompts = config?.prompts ?? {};
  const fallback = prompts[config?.default_prompt_name ?? ""] ?? "";
  return {
    query: prompts["query"] ?? fallback,
    document: prompts["document"] ?? prompts["passage"] ?? fallback,
  };
}

function* opening(name: string, sizes: Sizes): Reading<OpenFolder> {
  const folder = yield* textFiles(name, sizes);
  const modules = modulesOf(folder);
  const prefixes = prefixesOf(folder);
  const { shape, pooling, maxTokens, ...opened } = yield* isStatic(modules)
    ? openStatic(folder, modules, sizes)
    : openTransformer(folder, modules, sizes);
  const card: EncoderCard = {
    name: folder.name,
    shape,
    pooling,
    queryPrefix: prefixes.query,
    documentPrefix: prefixes.document,
    maxTokens,
    parameters: opened.table.parameters,
  };
  return { folder, card, ...opened };
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

export interface FolderChanges {
  readonly weights: Float32Array;
  /** A static encoder's is always the mean. */
  readonly pooling: Pooling;
  readonly queryPrefix: string;
  readonly documentPrefix: string;
  /** README.md; where left out, the folder's own is kept. */
  readonly readme?: string | undefined;
}

/** The files of a family, and the first version of sentence-transformers that reads them. */
function familyFiles({ folder, card, table }: OpenFolder, { weights, pooling }: FolderChanges) {
  switch (card.shape.family) {
    case "bert":
    case "modernbert":
      return { files: transformerFiles(folder, { table, card, weights, pooling }), since: "2.2.0" };
    case "static":
      return { files: staticFiles(folder, modulesOf(folder), { table, weights }), since: "3.2.0" };
    default:
      return card.shape satisfies never;
  }
}

/** The folder with new weights (float32), pooling, prompts and card, in sentence-transformers' layout. */
export function writeFolder(opened: OpenFolder, changes: FolderChanges): EncoderFolder {
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
