/**
 * WebLLM: models compiled for WebGPU, with answers held to a JSON schema by a grammar. The engine itself runs in our
 * thread, not behind WebLLM's own worker protocol. What is worked around here was seen in 0.2.79 to 0.2.86.
 */
import { random } from "../../base/random.ts";
import type { ChatMessage } from "../../domain/languageModel.ts";
import type { Engine, EngineAnswer, EngineProgress, EngineRequest } from "./contract.ts";
import { errorOf } from "./errorOf.ts";
import { withoutThought } from "./thought.ts";

interface Request {
  messages: { role: ChatMessage["role"]; content: string }[];
  stream: true;
  stream_options: { include_usage: true };
  max_tokens: number;
  temperature: number;
  top_p: number;
  seed: number;
  response_format?: { type: "json_object"; schema: string };
  extra_body?: { enable_thinking: boolean };
}

interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string | null };
    readonly finish_reason: string | null | undefined;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null | undefined;
}

/** The part of `MLCEngine` that is used. */
export interface MlcEngine {
  setInitProgressCallback(callback: (report: { readonly progress: number; readonly text: string }) => void): void;
  reload(model: string): Promise<void>;
  unload(): Promise<void>;
  interruptGenerate(): void | Promise<void>;
  readonly chat: { readonly completions: { create(request: Request): Promise<AsyncIterable<Chunk>> } };
}

/** What the package knows of its models. */
export interface MlcLibrary {
  /** An engine that also knows the model whose files lie elsewhere. */
  create(files?: { readonly model: string; readonly weights: string; readonly library: string }): MlcEngine;
  contextOf(model: string): number | undefined;
  /** Removes stored files of a model. */
  forget(model: string, part: StoredPart): Promise<void>;
}

/** "lists": its JSON files. */
export type StoredPart = "library" | "lists" | "all";

const PHASES: readonly (readonly [RegExp, string])[] = [
  [/^(?:Start to fetch|Fetching param)/u, "Downloading the model"],
  [/^Loading model from cache/u, "Copying the model to the GPU"],
  [/^Loading GPU shader/u, "Compiling its GPU programs"],
  [/^Finish/u, "Ready"],
];

/** "Fetching param cache[3/22]: 94MB fetched. 14% completed, …": the text holds mebibytes, `progress` the share. */
export function progressOf({ progress, text }: { progress: number; text: string }): EngineProgress {
  const words = PHASES.find(([pattern]) => pattern.test(text))?.[1] ?? "Loading the model";
  const done = Number(/: (\d+)MB (?:fetched|loaded)/u.exec(text)?.[1] ?? 0) * 2 ** 20;
  if (done > 0 && progress > 0) return { done, total: Math.max(done, Math.round(done / progress)), words };
  return { done: progress, total: 1, words };
}

/**
 * WebLLM draws with a multiplicative generator (modulus 2³¹−1, multiplier 48271), whose first number after the seeds
 * 1, 2, 3, … is next to zero, so that small seeds would all take the likeliest first token.
 */
export const spreadSeed = (seed: number): number => 1 + random(seed, "WebLLM").integer(2 ** 31 - 3);

/** Only `json_object` with a schema binds the answer: `json_schema` is ignored in silence. */
function requestOf({ messages, schema, maxTokens, temperature, topP, seed }: EngineRequest, model: string): Request {
  return {
    messages: messages.map(({ role, content }) => ({ role, content })),
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    seed: spreadSeed(seed),
    ...(schema && { response_format: { type: "json_object", schema: JSON.stringify(schema) } }),
    ...(model.startsWith("Qwen3") && { extra_body: { enable_thinking: false } }),
  };
}

/** The stream is always read to its end: up to 0.2.79 leaving one early kept the model locked for good. */
async function read(
  chunks: AsyncIterable<Chunk>,
  onTokens: (count: number) => void,
): Promise<Omit<EngineAnswer, "finish"> & { readonly finish: string | undefined }> {
  let text = "";
  let tokens = 0;
  let finish: string | undefined;
  let usage: Chunk["usage"];
  for await (const chunk of chunks) {
    const [choice] = chunk.choices;
    if (choice) {
      text += choice.delta.content ?? "";
      finish = choice.finish_reason ?? finish;
      if (choice.delta.content !== undefined) onTokens(++tokens);
    }
    usage = chunk.usage ?? usage;
  }
  return {
    text: withoutThought(text),
    finish,
    promptTokens: usage?.prompt_tokens,
    completionTokens: usage?.completion_tokens,
  };
}

/** Bytes that are not the model's: kept, they would fail again at every load. Weights that may be whole stay. */
const SPOILT: readonly (readonly [RegExp, StoredPart])[] = [
  [/CompileError|LinkError/u, "library"],
  [/JSON/u, "lists"],
  [/Integrity|exceeds shard size/u, "all"],
];

export function createWebLlmEngine(library: MlcLibrary): Engine {
  let mlc: MlcEngine | undefined;
  let model = "";
  let running = false;
  let interrupted = false;

  async function answer(request: EngineRequest, onTokens: (count: number) => void): Promise<EngineAnswer> {
    if (!mlc) throw new Error("no model is loaded");
    // Up to 0.2.79 an interrupt also ends the answer after it, which comes back empty: then it is asked for once more.
    for (let attempt = 0; attempt < 2; attempt++) {
      const chunks = await mlc.chat.completions.create(requestOf(request, model));
      const { finish, ...rest } = await read(chunks, (count) => {
        // An interrupt from before the engine began has been forgotten by it.
        if (interrupted) void mlc?.interruptGenerate();
        onTokens(count);
      });
      if (finish === "stop" || finish === "length") return { ...rest, finish };
      if (interrupted) break;
    }
    throw new Error("the answer was broken off");
  }

  return {
    async load(input, report) {
      const { model: id, files } = input;
      mlc = library.create(files && { model: id, ...files });
      model = id;
      mlc.setInitProgressCallback((progress) => report(progressOf(progress)));
      try {
        await mlc.reload(id);
      } catch (thrown) {
        const error = errorOf(thrown);
        const part = SPOILT.find(([pattern]) => pattern.test(`${error.name} ${error.message}`))?.[1];
        if (part) await library.forget(id, part).catch(() => undefined);
        throw error;
      }
      return { context: library.contextOf(id) };
    },
    async complete(request, onTokens) {
      running = true;
      interrupted = false;
      try {
        return await answer(request, onTokens);
      } finally {
        running = false;
      }
    },
    interrupt() {
      if (!running) return;
      interrupted = true;
      void mlc?.interruptGenerate();
    },
    async unload() {
      await mlc?.unload();
    },
  };
}

/** Empties the caches of WebLLM of a model. Its own functions fail where the list of the files is spoilt too. */
async function emptyCaches(record: { model: string; model_lib: string }, part: StoredPart): Promise<void> {
  const folder = `${record.model.replace(/\/+$/u, "")}/`;
  const spoilt = (url: string) => {
    if (url === record.model_lib) return part !== "lists";
    return url.startsWith(folder) && (part === "all" || (part === "lists" && url.endsWith(".json")));
  };
  for (const scope of ["webllm/config", "webllm/wasm", "webllm/model"]) {
    const cache = await caches.open(scope);
    for (const request of await cache.keys()) if (spoilt(request.url)) await cache.delete(request);
  }
}

/** The library with the real package, which is fetched with this call. */
export async function loadWebLlm(): Promise<Engine> {
  const { MLCEngine, prebuiltAppConfig } = await import("@mlc-ai/web-llm");
  let config = prebuiltAppConfig;
  const recordOf = (model: string) => config.model_list.find(({ model_id }) => model_id === model);
  return createWebLlmEngine({
    create(files) {
      if (files) {
        const record = { model_id: files.model, model: files.weights, model_lib: files.library };
        config = { ...prebuiltAppConfig, model_list: [...prebuiltAppConfig.model_list, record] };
      }
      return new MLCEngine({ appConfig: config, logLevel: "ERROR" });
    },
    contextOf: (model) => recordOf(model)?.overrides?.context_window_size,
    async forget(model, part) {
      const record = recordOf(model);
      if (record) await emptyCaches(record, part);
    },
  });
}
