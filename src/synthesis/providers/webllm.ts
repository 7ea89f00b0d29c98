/** Models on WebGPU, in our own thread, held to a schema. */
import type { LanguageModel } from "../../domain/languageModel.ts";
import type { EngineLoad } from "../engines/contract.ts";
import { openInThread, type OpenOptions, type ThreadHost } from "./worker.ts";

/** `files`: where a model lies that WebLLM's own list does not name. */
export function openWebLlm(
  model: string,
  options: OpenOptions,
  host: ThreadHost & { readonly files?: EngineLoad["files"] },
): Promise<LanguageModel> {
  const { files, ...thread } = host;
  return openInThread({ engine: "webllm", model, ...(files && { files }) }, options, thread);
}
