/** The threads, started when first asked for something. The page knows their address and their contract, never their code. */
import { connect } from "../base/channel.ts";
import { type PartedReader, whole } from "../data/inParts.ts";
import type { OnnxExporter } from "../export/onnx/contract.ts";
import type { EncoderStages, ReaderStages, RetrieverStages } from "../domain/stages.ts";

const startEncoder = (): Worker =>
  new Worker(new URL("../../workers/encoder.ts", import.meta.url), { type: "module", name: "encoder" });
const startRetriever = (): Worker =>
  new Worker(new URL("../../workers/retriever.ts", import.meta.url), { type: "module", name: "retriever" });
const startReader = (): Worker =>
  new Worker(new URL("../../workers/reader.ts", import.meta.url), { type: "module", name: "reader" });

/** A thread for a language model. Ending it gives the model's memory back, so each is started anew. */
export function startGenerator(): { readonly port: Worker; readonly terminate: () => void } {
  const worker = new Worker(new URL("../../workers/generator.ts", import.meta.url), {
    type: "module",
    name: "generator",
  });
  return { port: worker, terminate: () => worker.terminate() };
}

/** A thread for ONNX files. The runtime that checks them never gives memory back, so each export has its own. */
export function startExporter(): { readonly exporter: OnnxExporter; readonly end: () => void } {
  const worker = new Worker(new URL("../../workers/exporter.ts", import.meta.url), {
    type: "module",
    name: "exporter",
  });
  return { exporter: connect<OnnxExporter>(worker), end: () => worker.terminate() };
}

/** The same stages, with their thread started at the first call. */
function lazily<Stages extends object>(start: () => Stages): Stages {
  let stages: Stages | undefined;
  return new Proxy<Stages>(Object.create(null), { get: (_, name) => Reflect.get((stages ??= start()), name) });
}

export const encoderThread = (): EncoderStages => lazily(() => connect<EncoderStages>(startEncoder()));
export const retrieverThread = (): RetrieverStages => lazily(() => connect<RetrieverStages>(startRetriever()));
export const readerThread = (): ReaderStages => whole(lazily(() => connect<PartedReader>(startReader())));
