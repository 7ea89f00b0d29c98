/** The collection and the encoder that come with the page. */
import { UserError } from "../base/errors.ts";
import type { EncoderFolder } from "../domain/encoder.ts";
import type { PickedFile } from "./dependencies.ts";

/** A file of the page itself did not arrive. */
export class MissingFile extends UserError {
  override readonly name = "MissingFile";
}

export const builtIn = "built-in";
/** What the built-in encoder is called where only its key is known. */
export const builtInEncoderName = "Built-in encoder";

const collectionFiles = ["corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/dev.tsv", "qrels/test.tsv"];
const collectionExtras = ["negatives.jsonl", "meta.json"];
const encoderFiles = [
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "modules.json",
  "1_Pooling/config.json",
  "sentence_bert_config.json",
  "config_sentence_transformers.json",
  "README.md",
];

/** Fetches a file beside the page. A host that answers a missing file with its start page does so with HTML. */
export async function fetchShipped(path: string, base: string): Promise<Blob> {
  const response = await fetch(new URL(path, base)).catch(() => undefined);
  const why = !response
    ? "there is no connection"
    : !response.ok
      ? `the host answered ${response.status}`
      : response.headers.get("content-type")?.includes("text/html")
        ? "the host sent a page instead"
        : undefined;
  if (!response || why !== undefined)
    throw new MissingFile(
      `${path} could not be loaded: ${why}. Reload the page; if that does not help, it is not fully installed.`,
    );
  return response.blob();
}

type Shipped = (path: string) => Promise<Blob>;

export async function builtInCollectionFiles(shipped: Shipped): Promise<PickedFile[]> {
  return Promise.all(
    [...collectionFiles, ...collectionExtras].map(async (path) => ({
      path,
      blob: await shipped(`collection/${path}`),
    })),
  );
}

export async function builtInEncoder(shipped: Shipped): Promise<EncoderFolder> {
  const files = await Promise.all(
    encoderFiles.map(async (path) => {
      const blob = await shipped(`encoder/${path}`);
      return [path, new Uint8Array(await blob.arrayBuffer())] as const;
    }),
  );
  return { name: builtInEncoderName, files: Object.fromEntries(files) };
}
