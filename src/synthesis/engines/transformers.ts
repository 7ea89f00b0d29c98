/**
 * transformers.js: ONNX models on WebGPU, or on the processor. It knows no schema. Of its sampling only the greedy kind is
 * used: it leaves `top_p` out in silence and draws from a generator that all requests share, so each token is drawn here.
 */
import type { LogitsProcessorList, ProgressInfo, TextGenerationPipeline } from "@huggingface/transformers";
import { random } from "../../base/random.ts";
import type { Engine, EngineAnswer, EngineLoad, EngineProgress, EngineRequest } from "./contract.ts";
import { errorOf } from "./errorOf.ts";
import { drawToken } from "./sampling.ts";
import { withoutThought } from "./thought.ts";

type Library = typeof import("@huggingface/transformers");

/** Where a model runs, and the kinds of weights to look for, the best first. */
export interface Place {
  readonly device: "webgpu" | "wasm" | "cpu";
  readonly dtypes: readonly ("q4f16" | "q4" | "q8" | "fp32")[];
}

export interface TransformersHost {
  readonly library: () => Promise<Library>;
  readonly place: () => Promise<Place>;
}

function progressOf(info: ProgressInfo): EngineProgress | undefined {
  if (info.status === "ready") return { done: 1, total: 1, words: "Ready" };
  if (info.status !== "progress_total") return undefined;
  const { loaded, total } = info;
  if (!(total > 0)) return undefined;
  return { done: loaded, total, words: loaded < total ? "Downloading the model" : "Starting the model" };
}

/** Milliseconds. A browser's time-out takes about four of them. */
const BREATHE_EVERY = 50;

/**
 * On the processor a model computes without ever letting the thread breathe: interrupts would not be heard before the
 * answer is whole, nor requests for the next report.
 */
export function breathing<Model extends { forward(inputs: never): Promise<unknown> }>(model: Model): void {
  const forward: Model["forward"] = model.forward.bind(model);
  let last = performance.now();
  model.forward = async (inputs) => {
    if (performance.now() - last > BREATHE_EVERY) {
      await new Promise((resolve) => setTimeout(resolve));
      last = performance.now();
    }
    return forward(inputs);
  };
}

/** The first kind of weights that the repository has. */
async function open(
  { pipeline }: Library,
  { model }: EngineLoad,
  place: Place,
  report: (progress: EngineProgress) => void,
): Promise<TextGenerationPipeline> {
  let missing: unknown;
  for (const dtype of place.dtypes) {
    try {
      const pipe = await pipeline("text-generation", model, {
        device: place.device,
        dtype,
        progress_callback: (info: ProgressInfo) => {
          const progress = progressOf(info);
          if (progress) report(progress);
        },
      });
      breathing(pipe.model);
      return pipe;
    } catch (thrown) {
      if (!/Could not locate file/u.test(errorOf(thrown).message)) throw thrown;
      missing = thrown;
    }
  }
  throw missing;
}

/** All scores but the drawn token's become −∞, so that the library's greedy choice takes it. */
function drawing({ LogitsProcessorList, LogitsWarper }: Library, request: EngineRequest): LogitsProcessorList {
  const source = random(request.seed, "transformers.js");
  class Draw extends LogitsWarper {
    override _call(_ids: bigint[][], logits: { data: unknown }) {
      const { data } = logits;
      if (!(data instanceof Float32Array)) throw new Error("internal: scores are 32-bit floats");
      const token = drawToken(data, request, source);
      data.fill(-Infinity);
      data[token] = 0;
      return logits;
    }
  }
  const list = new LogitsProcessorList();
  list.push(new Draw());
  return list;
}

/** `enable_thinking` is known to the templates of reasoning models. */
const template = { add_generation_prompt: true, enable_thinking: false };

const numbers = (value: unknown): readonly number[] =>
  (Array.isArray(value) ? value : [value]).filter((id) => typeof id === "number");

function contextOf({ model }: TextGenerationPipeline): number | undefined {
  const most: unknown = model.config.max_position_embeddings;
  return typeof most === "number" ? most : undefined;
}

/** Room for the answer after a prompt of so many tokens. Without a limit the library would cut the prompt in silence. */
function roomFor(promptTokens: number, context = Infinity): number {
  if (promptTokens < context) return context - promptTokens;
  const words = `Prompt tokens exceed context window size: ${promptTokens}; ${context}`;
  throw Object.assign(new Error(words), { name: "ContextWindowSizeExceededError" });
}

type Stop = InstanceType<Library["InterruptableStoppingCriteria"]>;

interface Loaded {
  readonly library: Library;
  readonly pipe: TextGenerationPipeline;
}

async function write(
  { library, pipe }: Loaded,
  request: EngineRequest,
  stop: Stop,
  onTokens: (count: number) => void,
): Promise<EngineAnswer> {
  const { tokenizer, model } = pipe;
  const messages = request.messages.map(({ role, content }) => ({ role, content }));
  const inputs = tokenizer.apply_chat_template(messages, template);
  const promptTokens = Number(inputs.input_ids.dims.at(-1));
  const most = Math.min(request.maxTokens, roomFor(promptTokens, contextOf(pipe)));
  const written: bigint[] = [];
  await model.generate({
    ...inputs,
    max_new_tokens: most,
    do_sample: false,
    repetition_penalty: 1,
    logits_processor: drawing(library, request),
    stopping_criteria: stop,
    streamer: new library.TextStreamer(tokenizer, {
      skip_prompt: true,
      callback_function: () => undefined,
      token_callback_function: (ids) => onTokens(written.push(...ids)),
    }),
  });
  if (stop.interrupted) throw new Error("the answer was broken off");
  const ends = numbers(model.generation_config?.eos_token_id);
  const ended = written.length < most || ends.includes(Number(written.at(-1)));
  return {
    text: withoutThought(tokenizer.decode(written, { skip_special_tokens: true })),
    finish: ended ? "stop" : "length",
    promptTokens,
    completionTokens: written.length,
  };
}

export function createTransformersEngine(host: TransformersHost): Engine {
  let loaded: Loaded | undefined;
  let stop: Stop | undefined;
  return {
    async load(input, report) {
      const library = await host.library();
      library.env.allowLocalModels = false;
      if (input.host !== undefined) library.env.remoteHost = input.host;
      const pipe = await open(library, input, await host.place(), report);
      loaded = { library, pipe };
      return { context: contextOf(pipe) };
    },
    async complete(request, onTokens) {
      if (!loaded) throw new Error("no model is loaded");
      stop = new loaded.library.InterruptableStoppingCriteria();
      return write(loaded, request, stop, onTokens);
    },
    interrupt: () => stop?.interrupt(),
    async unload() {
      await loaded?.pipe.dispose();
      loaded = undefined;
    },
  };
}

/** WebGPU where the browser has it, and 16-bit numbers where the GPU has them. */
async function placeHere(): Promise<Place> {
  const gpu: GPU | undefined = typeof navigator === "undefined" ? undefined : navigator.gpu;
  const adapter = await gpu?.requestAdapter();
  if (!adapter) return { device: "wasm", dtypes: ["q4", "q8"] };
  return { device: "webgpu", dtypes: adapter.features.has("shader-f16") ? ["q4f16", "q4"] : ["q4"] };
}

/** The library with the real package, which is fetched when a model is loaded. */
export async function loadTransformers(): Promise<Engine> {
  return createTransformersEngine({
    place: placeHere,
    async library() {
      const library = await import("@huggingface/transformers");
      const { onnx } = library.env.backends;
      // The library points the ONNX runtime at a CDN. Left alone, the runtime finds its program beside itself, in our build.
      if (onnx.wasm) Reflect.deleteProperty(onnx.wasm, "wasmPaths");
      library.env.useWasmCache = false;
      return library;
    },
  });
}
