/** The exporter's thread: ONNX Runtime's memory never shrinks, so it ends with its thread. */
import type { EncoderFolder } from "../../domain/encoder.ts";
import { openFolder } from "../../encoder/folder.ts";
import { toBlob } from "../files/file.ts";
import type { Precision } from "./builder.ts";
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

function prepare(folder: EncoderFolder, side: Side, precisions: readonly Precision[]): Prepared {
  const opened = openFolder(folderUnder(folder, side.under));
  const { queryPrefix, documentPrefix } = opened.card;
  const prefix = side.kind === "query" ? queryPrefix : documentPrefix;
  const texts = side.texts.map((text) => prefix + text);
  return { ...onnxFolder(opened, precisions), side, reference: referenceOf(opened, { ...side, texts }) };
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
    async *pack({ folder, sides, precisions }) {
      const prepared = sides.map((side) => prepare(folder, side, precisions));
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
