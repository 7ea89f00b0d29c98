/** What the libraries' errors mean, and what a person can do. The libraries are known by their words alone. */
import type { UserError } from "../../base/errors.ts";
import { isSwitchedOffline } from "../../base/offline.ts";
import { ModelFailed, ProviderRefused } from "../../domain/languageModel.ts";

interface Told {
  readonly name: string;
  readonly message: string;
}

type Cause = readonly [pattern: RegExp, words: (model: string, error: Told) => string];

const smaller = "Close other programs that use the GPU, or choose a smaller model.";

/** The first that fits holds: what is particular stands before what is general. */
const loading: readonly Cause[] = [
  [
    /shader-f16|ShaderF16|does not support fp16/iu,
    (model) =>
      `${model} computes with 16-bit numbers (shader-f16), which this GPU or browser doesn't offer. Choose a model with q4f32 in its name.`,
  ],
  [
    /WebGPUNotAvailable|WebGPUNotFound|compatible GPU|no available backend|Unsupported device/u,
    (model) =>
      `${model} needs WebGPU, and this browser offers no GPU to the page. If it worked before, reload the page; else use a browser with WebGPU and hardware acceleration, or another provider.`,
  ],
  [
    /FeatureSupport|exceeds limit|exceed.*limits?\b/iu,
    (model, { message }) => `This GPU can't run ${model}: ${message} Choose a smaller model.`,
  ],
  [
    /ModelNotFound|Cannot find model record|Could not locate file|Unauthorized access|Forbidden access/u,
    (model) =>
      `There is no model ${model} to download: its files aren't where they are looked for. Check its name, or choose one of the list.`,
  ],
  [
    /Quota/iu,
    (model) =>
      `The browser's storage has no room for ${model}. Remove a model or a collection that you don't need, or choose a smaller model.`,
  ],
  [
    /LinkError|function import requires/u,
    (model) =>
      `The compiled program of ${model} doesn't fit this version of the library. Choose another model, or reload the page to get the newest version.`,
  ],
  [
    /is not valid JSON|Unexpected token|CompileError|Integrity|exceeds shard size|protobuf parsing/iu,
    (model) =>
      `What was downloaded is not ${model}: the host sent something else, such as an error page or a damaged file. Check the connection (a sign-in page, a filter?) and try again.`,
  ],
  [
    /DeviceLost|device (?:was |is )?lost|unload\(\) is called|out of memory|OOM|allocation failed|failed to allocate|bad_alloc|Aborted\(\)/iu,
    (model) => `The GPU or the browser ran out of memory while ${model} was loaded. ${smaller}`,
  ],
  [
    // What Chrome's Cache.add says of a status other than 200.
    /Request failed|Error \(\d+\)/u,
    (model) =>
      `The host doesn't give out all files of ${model}. Try again later, or choose another model. What arrived whole is kept.`,
  ],
  [
    /Failed to fetch|fetch failed|NetworkError|Load failed|network|Cannot fetch|Failed to store/iu,
    (model) =>
      `The download of ${model} broke off. Check the connection and try again: files that arrived whole are kept.`,
  ],
  [
    /WorkerCrashed/u,
    (model) =>
      `The thread for ${model} could not be started or ended while loading. Reload the page; if it happens again, choose a smaller model.`,
  ],
];

/** What a library says when a file is not here and cannot be fetched. */
const unreached =
  /Could not locate file|Failed to fetch|fetch failed|NetworkError|Load failed|network|Cannot fetch|Failed to store/iu;

/** Why a model could not be loaded. */
export function loadFailure(error: Told, model: string): ProviderRefused {
  const told = `${error.name}: ${error.message}`;
  if (isSwitchedOffline() && unreached.test(told))
    return new ProviderRefused(
      `${model} is not whole on this machine, and Offline is switched on under Privacy. Switch it off there to download what is missing.`,
    );
  const cause = loading.find(([pattern]) => pattern.test(told));
  if (cause) return new ProviderRefused(cause[1](model, error));
  return new ProviderRefused(
    `${model} could not be loaded: ${error.message} Try again; if it fails in the same way, choose another model.`,
  );
}

/** What to say of a prompt that does not fit; `have` and `most` in tokens. */
export function promptTooLong(model: string, have?: string | number, most?: string | number): ModelFailed {
  const figures = have === undefined ? "" : ` (${have} tokens${most === undefined ? "" : `, and it takes ${most}`})`;
  return new ModelFailed(
    `The prompt is too long for ${model}${figures}. Shorten its parts, allow fewer tokens for the answer, or choose a model with a larger context.`,
  );
}

export interface AnswerFailure {
  readonly error: UserError;
  /** Whether the engine can no longer be trusted and is loaded anew. */
  readonly broken: boolean;
}

/** Why a request failed. */
export function answerFailure(error: Told, model: string): AnswerFailure {
  const told = `${error.name}: ${error.message}`;
  if (/ContextWindowSizeExceeded|Prompt tokens exceed/u.test(told)) {
    const [have, most] = told.match(/\d+/gu) ?? [];
    return { error: promptTooLong(model, have, most), broken: false };
  }
  if (/GrammarMatcherInit|InvalidResponseFormat/u.test(told)) {
    const words = `${model} could not be held to the form of the answer: ${error.message}`;
    return { error: new ModelFailed(words), broken: false };
  }
  if (
    /AbortError|NotLoaded|DeviceLost|device (?:was |is )?lost|out of memory|OOM|allocation failed|disposed/iu.test(told)
  ) {
    return { error: new ModelFailed(`${model} lost the GPU and is loaded anew. ${smaller}`), broken: true };
  }
  if (error.name === "WorkerCrashed") {
    return { error: new ModelFailed(`The thread of ${model} ended. The model is loaded anew.`), broken: true };
  }
  return { error: new ModelFailed(`${model} failed: ${error.message}`), broken: true };
}
