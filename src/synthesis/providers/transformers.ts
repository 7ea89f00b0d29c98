/** ONNX models on WebGPU or on the processor, in our own thread. They are not held to a schema. */
import type { LanguageModel } from "../../domain/languageModel.ts";
import { openInThread, type OpenOptions, type ThreadHost } from "./worker.ts";

/** `hub`: the host that stands for the Hugging Face Hub. */
export function openTransformers(
  model: string,
  options: OpenOptions,
  host: ThreadHost & { readonly hub?: string },
): Promise<LanguageModel> {
  const { hub, ...thread } = host;
  return openInThread({ engine: "transformers", model, ...(hub !== undefined && { host: hub }) }, options, thread);
}
