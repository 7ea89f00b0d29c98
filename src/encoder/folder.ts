/**
 * Encoder folders as sentence-transformers and transformers write them: read whole, checked, and written back with new
 * weights in the form that sentence-transformers reads, from 2.x to 6.x for a transformer and from 3.2 to 6.x for a static encoder.
 */
import * as v from "valibot";
import type { EncoderCard, EncoderFolder, Pooling } from "../domain/encoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { asJson, modulesOf, optionalJson, utf8 } from "./folder/files.ts";
import { isStatic, openStatic, staticFiles } from "./folder/static.ts";
import { openTransformer, transformerFiles } from "./folder/transformer.ts";
import type { ParameterTable } from "./parameters.ts";

export interface OpenFolder {
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

/** Reads and checks an encoder folder. Errors: UnreadableEncoder, UnreadableSafetensors, UnreadableTokenizer. */
export function openFolder(folder: EncoderFolder): OpenFolder {
  const modules = modulesOf(folder);
  const { shape, pooling, maxTokens, ...opened } = isStatic(modules)
    ? openStatic(folder, modules)
    : openTransformer(folder, modules);
  const prefixes = prefixesOf(folder);
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
