/** A run on the CPU engine with the tiny encoder and the tiny collection, and what a host would keep of it. */
import { finish } from "../../src/base/channel.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import type { RunProducts, RunReport } from "../../src/domain/run.ts";
import type { Checkpoint, Refresh } from "../../src/domain/training.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { run, type RunInput, type Services } from "../../src/pipeline/run.ts";
import { createRetriever } from "../../src/retrieval/service.ts";
import { createEncoder } from "../../src/train/service.ts";
import { random } from "../../src/base/random.ts";
import { tinyCollection } from "../support/collection.ts";
import { tinyEncoder, tinyTensors } from "../support/encoder.ts";

export const services = (): Services => ({
  encoder: createEncoder({ cpu: createCpuEngine, webgpu: () => Promise.reject(new Error("not here")) }),
  retriever: createRetriever(),
});

export const recipe: ConfigInput = {
  negatives: [
    { source: "synthetic", count: 1 },
    { source: "bm25", count: 2, first: 1, last: 5 },
  ],
  batchSize: 2,
  epochs: 3,
  learningRate: 1e-2,
  warmup: 0,
};

export const input = (config: ConfigInput = recipe, over: Partial<RunInput> = {}): RunInput => ({
  collection: tinyCollection,
  folder: tinyEncoder(),
  engine: "cpu",
  config: parseConfig(config),
  checkpointEvery: Infinity,
  ...over,
});

/** As wide as the tiny encoder, with other weights. */
export function otherEncoder(): EncoderFolder {
  const tensors = tinyTensors().map((tensor) => {
    const source = random(99, tensor.name);
    return { ...tensor, values: tensor.values.map((value) => value + 0.3 * source.normal()) };
  });
  return { ...tinyEncoder({ "model.safetensors": writeSafetensors(tensors, "F32") }), name: "other" };
}

export interface Kept {
  readonly reports: RunReport[];
  readonly products: RunProducts;
  readonly checkpoint: Checkpoint | undefined;
}

/** Runs until `stop` says so, keeping what a host would keep. */
export async function until(stage: ReturnType<typeof run>, stop: (report: RunReport) => boolean): Promise<Kept> {
  const reports: RunReport[] = [];
  let products: RunProducts = {};
  let checkpoint: Checkpoint | undefined;
  for await (const report of stage) {
    reports.push(report);
    if (report.kind === "product") products = { ...products, [report.product.name]: report.product.value };
    if (report.kind === "checkpoint") checkpoint = report.checkpoint;
    if (stop(report)) break;
  }
  return { reports, products, checkpoint };
}

export async function whole(given: RunInput, by: Services = services()) {
  const reports: RunReport[] = [];
  const outcome = await finish(run(by, given), (report) => reports.push(report));
  const weights = reports.findLast((report) => report.kind === "checkpoint")?.checkpoint.weights;
  return { reports, weights, ...outcome };
}

export const productsOf = (reports: readonly RunReport[]): RunProducts =>
  Object.fromEntries(
    reports.flatMap((report) => (report.kind === "product" ? [[report.product.name, report.product.value]] : [])),
  );

interface Call {
  readonly model: number;
  readonly kind: "query" | "document";
  readonly texts: readonly string[];
}
export interface Log {
  readonly encoded: Call[];
  readonly opened: string[];
  readonly closed: number[];
  readonly refresh: (Refresh | undefined)[];
}

/** The stages themselves, with a note of what was asked of them. */
export function watched(): { readonly by: Services; readonly log: Log } {
  const by = services();
  const log: Log = { encoded: [], opened: [], closed: [], refresh: [] };
  const encoder: Services["encoder"] = {
    ...by.encoder,
    open: (given) => {
      log.opened.push(given.folder.name);
      return by.encoder.open(given);
    },
    close: (given) => {
      log.closed.push(given.model);
      return by.encoder.close(given);
    },
    encode: (given) => {
      log.encoded.push(given);
      return by.encoder.encode(given);
    },
    train: (given) => {
      log.refresh.push(given.refresh);
      return by.encoder.train(given);
    },
  };
  return { by: { ...by, encoder }, log };
}

/** How often the whole collection was encoded. */
export const readings = ({ encoded }: Log): Call[] =>
  encoded.filter(({ kind, texts }) => kind === "document" && texts.length === tinyCollection.documents.length);
