/** The collection and the encoder that come with the page. */
import { UserError } from "../base/errors.ts";
import type { EncoderFiles } from "../domain/encoder.ts";
import type { PickedFile } from "./dependencies.ts";

/** A file of the page itself did not arrive. */
export class MissingFile extends UserError {
  override readonly name = "MissingFile";
}

export const builtIn = "built-in";

const collectionFiles = ["corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/dev.tsv", "qrels/test.tsv"];
const collectionExtras = ["negatives.jsonl", "meta.json"];

export interface ShippedEncoder {
  /** Names it in recipes and stored runs, and its folder under encoders/. */
  readonly key: string;
  /** What it is, in a few words. */
  readonly note: string;
  readonly files: readonly string[];
}

/** The default first. */
export const shippedEncoders: readonly [ShippedEncoder, ...ShippedEncoder[]] = [
  {
    key: "decoy-small",
    note: "comes with Decoy",
    files: [
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
    ],
  },
  {
    key: "decoy-static",
    note: "trains in seconds",
    files: [
      "0_StaticEmbedding/model.safetensors",
      "0_StaticEmbedding/tokenizer.json",
      "modules.json",
      "config_sentence_transformers.json",
      "README.md",
    ],
  },
];

export const defaultEncoder = shippedEncoders[0].key;
export const shippedEncoder = (key: string): ShippedEncoder | undefined =>
  shippedEncoders.find((encoder) => encoder.key === key);

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

export async function readShippedEncoder(shipped: Shipped, { key, files }: ShippedEncoder): Promise<EncoderFiles> {
  const read = files.map(async (path) => [path, await shipped(`encoders/${key}/${path}`)] as const);
  return { name: key, files: Object.fromEntries(await Promise.all(read)) };
}
