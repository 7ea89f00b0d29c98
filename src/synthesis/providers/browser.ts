/**
 * The browser's own model, by the Prompt API (webmachinelearning/prompt-api). It exists in windows only, not in workers;
 * pages can set neither seed nor temperature, and it takes no limit on the length of an answer.
 */
import { errorOf } from "../engines/errorOf.ts";
import type {
  ChatMessage,
  Completion,
  CompletionOptions,
  CompletionRequest,
  JsonSchema,
  LanguageModel,
} from "../../domain/languageModel.ts";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../domain/languageModel.ts";
import { abortError, watched, type Watch } from "./abort.ts";
import type { Availability } from "./device.ts";
import { promptTooLong } from "./failures.ts";
import { completionOf, estimatedTokens, type OpenOptions } from "./worker.ts";

interface Session {
  promptStreaming(
    input: string,
    options: {
      signal: AbortSignal;
      responseConstraint?: JsonSchema | undefined;
      omitResponseConstraintInput?: boolean;
    },
  ): ReadableStream<string>;
  destroy(): void;
  /** Tokens; until 2026 called `inputQuota`. */
  readonly contextWindow?: number;
  readonly inputQuota?: number;
}

interface Monitor {
  addEventListener(type: "downloadprogress", listener: (event: { readonly loaded: number }) => void): void;
}

/** The part of the global `LanguageModel` that is used. */
export interface PromptApi {
  availability(): Promise<Availability>;
  create(options: {
    readonly signal: AbortSignal;
    readonly initialPrompts?: readonly ChatMessage[];
    readonly monitor?: (monitor: Monitor) => void;
  }): Promise<Session>;
}

function isPromptApi(value: unknown): value is PromptApi {
  return typeof value === "function" && "availability" in value && "create" in value;
}

/** The Prompt API of a window, if its browser has one. */
export function promptApiOf(scope: object): PromptApi | undefined {
  const found: unknown = Reflect.get(scope, "LanguageModel");
  return isPromptApi(found) ? found : undefined;
}

const NAME = "The browser's own model";
/** Milliseconds without a sign of a download or a start. */
const OPEN_WITHIN = 600_000;

/** What the API's exceptions mean, when a session is made and when it is asked. */
function failureOf(thrown: unknown): Error {
  const { name, message } = errorOf(thrown);
  switch (name) {
    case "NotAllowedError":
      return new ProviderRefused(
        "The browser downloads its model only right after a click, and only where the page may use it. Press the button again.",
      );
    case "NotSupportedError":
      return new ProviderRefused(`${NAME} can't do what is asked of it: ${message} Choose another provider.`);
    case "QuotaExceededError":
      return promptTooLong(NAME);
    case "NetworkError":
      return new ProviderRefused(
        "The download of the browser's own model broke off. Check the connection and try again.",
      );
    default:
      return new ModelFailed(`${NAME} failed: ${message}`);
  }
}

/** Runs `work`, which is told to stop when nobody waits for it any more; never after it succeeded: that ends a session. */
async function stoppable<T>(watch: Watch, work: (signal: AbortSignal, alive: () => void) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  try {
    return await watched(watch, (alive) =>
      work(stop.signal, alive).catch((thrown: unknown) => {
        throw failureOf(thrown);
      }),
    );
  } catch (error) {
    stop.abort();
    throw error;
  }
}

/** Reads until the end or until about `most` tokens; then the rest is not asked for. */
async function read(stream: ReadableStream<string>, most: number, onText: (tokens: number) => void) {
  const reader = stream.getReader();
  let text = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    text += next.value;
    const tokens = estimatedTokens(text);
    onText(tokens);
    if (tokens < most) continue;
    await reader.cancel().catch(() => undefined);
    return { text, finish: "length" as const };
  }
  return { text, finish: "stop" as const };
}

class BrowserModel {
  readonly #api: PromptApi;
  readonly #closing = new AbortController();
  /** Held so that the browser keeps the model in memory between requests. */
  readonly #base: Session;

  constructor(api: PromptApi, base: Session) {
    this.#api = api;
    this.#base = base;
  }

  complete(request: CompletionRequest, { signal, stallAfter, onTokens }: CompletionOptions): Promise<Completion> {
    const stops = [
      { signal: this.#closing.signal, error: () => abortError("The language model was closed.") },
      { signal, error: () => abortError("The request was stopped.") },
    ];
    const late = () => new ModelStalled(`${NAME} wrote nothing for ${stallAfter / 1000} seconds. Try again.`);
    return stoppable({ stops, within: stallAfter, late }, async (stopped, alive) => {
      const earlier = request.messages.slice(0, -1);
      const session = await this.#api.create({ initialPrompts: earlier, signal: stopped });
      try {
        const stream = session.promptStreaming(request.messages.at(-1)?.content ?? "", {
          signal: stopped,
          ...(request.schema && { responseConstraint: request.schema, omitResponseConstraintInput: true }),
        });
        const answer = await read(stream, request.maxTokens, (tokens) => {
          alive();
          onTokens?.(tokens);
        });
        return completionOf({ ...answer, promptTokens: undefined, completionTokens: undefined }, request);
      } finally {
        session.destroy();
      }
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#base.destroy();
  }
}

/** Errors: {@link ProviderRefused}, `AbortError`. A model that must be downloaded can only be opened right after a click. */
export async function openBrowser(
  api: PromptApi | undefined,
  { signal, progress }: OpenOptions,
): Promise<LanguageModel> {
  const availability = await api?.availability();
  if (!api || availability === "unavailable") {
    const why = api ? "doesn't run on this device" : "can't be asked: it has no Prompt API";
    throw new ProviderRefused(`${NAME} ${why}. Use a desktop version of Chrome or Edge, or choose another provider.`);
  }
  const stops = [{ signal, error: () => abortError("Opening the model was stopped.") }];
  const late = () =>
    new ProviderRefused(`${NAME} didn't start within ${OPEN_WITHIN / 60_000} minutes. Try again later.`);
  const words = availability === "available" ? "Starting the model" : "Downloading the model";
  const base = await stoppable({ stops, within: OPEN_WITHIN, late }, (stopped, alive) => {
    const onProgress = ({ loaded }: { readonly loaded: number }) => {
      alive();
      progress({ done: loaded, total: 1, words });
    };
    return api.create({
      signal: stopped,
      monitor: (monitor) => monitor.addEventListener("downloadprogress", onProgress),
    });
  });
  const model = new BrowserModel(api, base);
  return {
    info: {
      provider: "browser",
      id: "browser",
      context: base.contextWindow ?? base.inputQuota,
      reproducible: false,
      leavesTab: false,
      concurrency: 1,
    },
    complete: (request, options) => model.complete(request, options),
    close: () => model.close(),
  };
}
