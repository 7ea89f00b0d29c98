/** The exporter's thread: ONNX Runtime's memory never shrinks, so it ends with its thread. */
import type { EncoderFolder, WeightPrecision } from "../../domain/encoder.ts";
import { openFolder, writeFolder, type OpenFolder } from "../../encoder/folder.ts";
import { toBlob } from "../files/file.ts";
import { compareOnnx, referenceOf, type Reference } from "./compare.ts";
import type { OnnxExporter, PackReport, Side } from "./contract.ts";
import { onnxFolder, type OnnxFolder } from "./folder.ts";
import { zippedModels } from "./zip.ts";

interface Prepared extends OnnxFolder {
  readonly side: Side;
  readonly reference: Reference;
}

function folderUnder({ name, files }: EncoderFolder, under: Side["under"]): EncoderFolder {
  const own = Object.entries(files).filter(([path]) => path.startsWith(under));
  return { name, files: Object.fromEntries(own.map(([path, bytes]) => [path.slice(under.length), bytes])) };
}

type Packing = Parameters<OnnxExporter["pack"]>[0];

/** The folder's own files with its weights in another precision. */
const restored = (opened: OpenFolder, precision: WeightPrecision): EncoderFolder["files"] =>
  writeFolder(opened, { ...opened.card, weights: opened.weights, precision }).files;

function prepare({ folder, precisions, weights }: Packing, side: Side): Prepared {
  const opened = openFolder(folderUnder(folder, side.under));
  const { queryPrefix, documentPrefix } = opened.card;
  const prefix = side.kind === "query" ? queryPrefix : documentPrefix;
  const texts = side.texts.map((text) => prefix + text);
  const { files, models } = onnxFolder(opened, precisions);
  return {
    // What transformers.js reads stands in place of its own.
    files: { ...(weights && restored(opened, weights)), ...files },
    models,
    side,
    reference: referenceOf(opened, { ...side, texts }),
  };
}

/** All comparisons, before the first byte is packed. */
async function* compareAll(prepared: readonly Prepared[]): AsyncGenerator<PackReport, void, void> {
  const total = prepared.flatMap(({ models }) => models).reduce((sum, { file }) => sum + file.length, 0);
  let done = 0;
  for (const { models, reference, side } of prepared) {
    for (const { file } of models) {
      yield { kind: "progress", progress: { done, total, unit: "bytes" } };
      const comparison = await compareOnnx(file, reference);
      done += file.length;
      yield { kind: "compared", compared: { under: side.under, precision: file.precision, ...comparison } };
    }
  }
}

export function createExporter(): OnnxExporter {
  return {
    async *pack(packing) {
      const { folder, sides } = packing;
      const prepared = sides.map((side) => prepare(packing, side));
      yield* compareAll(prepared);
      const files = prepared.flatMap(({ side: { under }, files }) =>
        Object.entries(files).map(([path, bytes]) => [`${under}${path}`, bytes] as const),
      );
      const models = prepared.flatMap(({ side: { under }, models }) =>
        models.map(({ path, file }) => ({ path: `${under}${path}`, file })),
      );
      return toBlob(zippedModels({ ...folder, files: { ...folder.files, ...Object.fromEntries(files) } }, models));
    },
  };
}
