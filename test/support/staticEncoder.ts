/** A tiny static encoder's folder, in either of sentence-transformers' layouts. */
import { random } from "../../src/base/random.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { wordPieceJson } from "../../tools/encoder/tokenizer.ts";
import { pieces } from "./encoder.ts";

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

export const staticHidden = 6;
const source = random(1, "static encoder");
export const staticVectors = Float32Array.from({ length: pieces.length * staticHidden }, () => source.normal());

export const staticTensor = (name = "embedding.weight", values = staticVectors) => [
  { name, shape: [values.length / staticHidden, staticHidden], values },
];

export const staticModules = (path: string, ...more: readonly string[]) =>
  [["StaticEmbedding", path] as const, ...more.map((kind, i) => [kind, `${i + 1}_${kind}`] as const)].map(
    ([kind, path], idx) => ({ idx, name: String(idx), path, type: `sentence_transformers.models.${kind}` }),
  );

export const staticTokenizer = (changes: object = {}) => ({ ...wordPieceJson(pieces), ...changes });

/** The folder with its files in `place` ("" for the root), and files replaced, added, or (undefined) left out. */
export function staticEncoder(
  place = "0_StaticEmbedding",
  changes: Readonly<Record<string, unknown>> = {},
): EncoderFolder {
  const at = place === "" || place === "." ? "" : `${place}/`;
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    "modules.json": json(staticModules(place, "Normalize")),
    [`${at}model.safetensors`]: writeSafetensors(staticTensor(), "F32"),
    [`${at}tokenizer.json`]: json(staticTokenizer()),
  };
  for (const [path, content] of Object.entries(changes)) {
    if (content === undefined) delete files[path];
    else files[path] = content instanceof Uint8Array ? new Uint8Array(content) : json(content);
  }
  return { name: "tiny static", files };
}
