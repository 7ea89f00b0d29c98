/** Giving the encoder of a run away: as sentence-transformers reads it, and as ONNX where it is asked for. */
import { type Signal, signal } from "@preact/signals";
import { present } from "../base/assert.ts";
import { finish } from "../base/channel.ts";
import { documentText } from "../domain/collection.ts";
import type { EncoderFolder, WeightPrecision } from "../domain/encoder.ts";
import type { RunRecord } from "../domain/run.ts";
import type { ModelHandle } from "../domain/stages.ts";
import type { Precision } from "../export/onnx/builder.ts";
import type { Compared, Side } from "../export/onnx/contract.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import { encoderFolder } from "./encoders.ts";
import { checkpointOf, productsOf } from "./runState.ts";

export type { Compared, Precision };

export const precisions = ["f32", "f16", "int8"] as const satisfies readonly Precision[];

export interface EncoderExport {
  /** How the weights are stored in safetensors. */
  readonly weights: Signal<WeightPrecision>;
  /** What is asked for beside safetensors. */
  readonly onnx: Signal<readonly Precision[]>;
  /** How near the ONNX files of the last export came to the encoder. */
  readonly compared: Signal<{ readonly run: RunRecord["id"]; readonly list: readonly Compared[] } | undefined>;
}

export const createEncoderExport = (): EncoderExport => ({
  weights: signal<WeightPrecision>("f32"),
  onnx: signal<readonly Precision[]>([]),
  compared: signal<EncoderExport["compared"]["value"]>(undefined),
});

export function chooseOnnx({ encoderExport: { onnx } }: App, precision: Precision, chosen: boolean): void {
  onnx.value = precisions.filter((each) => (each === precision ? chosen : onnx.value.includes(each)));
}

export async function downloadEncoder(app: App, record: RunRecord): Promise<void> {
  app.deps.download(await encoderZip(app, record), `${fileName(record)}.zip`);
}

/** The trained encoder of a run as a zip. With ONNX: there is none unless every file computes what the encoder does. */
export async function encoderZip(app: App, record: RunRecord): Promise<Blob> {
  const { encoder } = app.deps.services;
  const { weights, onnx, compared } = app.encoderExport;
  const asked = onnx.value;
  const half = weights.value === "f16";
  compared.value = undefined;
  const checkpoint = present(await checkpointOf(app, record.id), "the checkpoint of the run");
  const folder = await encoderFolder(app, record.encoder);
  const opened = await finish(encoder.open({ folder, engine: record.engine }));
  const { model } = opened;
  let trained: EncoderFolder;
  let sides: readonly Side[];
  try {
    await finish(encoder.restore({ model, checkpoint }));
    const readme = await cardOf(app, record);
    // ONNX files are made of what is exact, whatever goes out beside them.
    const precision = half && asked.length === 0 ? "f16" : "f32";
    trained = await finish(encoder.export({ model, config: record.config, readme, precision }));
    sides = asked.length > 0 ? await sidesOf(app, record, model) : [];
  } finally {
    await finish(encoder.close({ model }));
  }
  return asked.length > 0
    ? await packed(app, record, { folder: trained, sides, precisions: asked, ...(half && { weights: "f16" as const }) })
    : await (await app.deps.formats()).zipFolder(trained);
}

async function cardOf(app: App, { result, config, collectionName, collectionDigest }: RunRecord): Promise<string> {
  const formats = await app.deps.formats();
  return formats.modelCard({ result: present(result, "the run's result"), config, collectionName, collectionDigest });
}

/** Texts that each encoder is compared on, and of how many tokens at most: memory goes with the square of the longest. */
const someTexts = 32;
const mostTokens = 256;

/** Evenly over the list: texts of one place are often alike. */
function spread<Item>(items: readonly Item[]): Item[] {
  const step = Math.max(1, items.length / someTexts);
  return items.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step)).slice(0, someTexts);
}

async function textsOf(app: App, record: RunRecord, kind: Side["kind"]): Promise<readonly string[]> {
  const { trainingSet } = await productsOf(app, record.id);
  if (trainingSet) return spread(kind === "query" ? trainingSet.queries : trainingSet.documents);
  const { queries, documents } = await readCollection(app, record.collection);
  return kind === "query" ? spread(queries).map(({ text }) => text) : spread(documents).map(documentText);
}

/** Where only queries were trained there are two encoders, each for its own kind of texts. */
async function sidesOf(app: App, record: RunRecord, model: ModelHandle): Promise<Side[]> {
  const { encoder } = app.deps.services;
  const config = {
    ...record.config,
    maxQueryTokens: Math.min(mostTokens, record.config.maxQueryTokens),
    maxDocumentTokens: Math.min(mostTokens, record.config.maxDocumentTokens),
  };
  const side = async (under: Side["under"], kind: Side["kind"]): Promise<Side> => {
    const texts = await textsOf(app, record, kind);
    const { values } = await finish(encoder.encode({ model, texts, kind, config }));
    const maxTokens = kind === "query" ? config.maxQueryTokens : config.maxDocumentTokens;
    return { under, kind, texts, maxTokens, vectors: values };
  };
  if (config.side !== "queries") return [await side("", "document")];
  return [await side("queries/", "query"), await side("documents/", "document")];
}

interface Packing {
  readonly folder: EncoderFolder;
  readonly sides: readonly Side[];
  readonly precisions: readonly Precision[];
  readonly weights?: WeightPrecision;
}

const inMegabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** In a thread of its own, which ends afterwards: its memory never shrinks. */
async function packed(app: App, record: RunRecord, packing: Packing): Promise<Blob> {
  const { compared } = app.encoderExport;
  const { exporter, end } = app.deps.startExporter();
  const list: Compared[] = [];
  try {
    return await finish(exporter.pack(packing), (report) => {
      if (report.kind === "progress") {
        const { done, total } = report.progress;
        app.task.value = `Comparing the ONNX files with the encoder, ${inMegabytes(done)} of ${inMegabytes(total)} MB`;
      } else {
        list.push(report.compared);
        compared.value = { run: record.id, list: [...list] };
      }
    });
  } finally {
    end();
  }
}

export const fileName = (record: RunRecord): string =>
  `${record.encoderName}-${record.collectionName}-${record.name}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
