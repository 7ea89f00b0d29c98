/** A chat endpoint in the manner of OpenAI: on this machine (Ollama, llama.cpp, LM Studio, vLLM) or somewhere else. */
import { messageOf, UserError } from "../../base/errors.ts";
import { isSwitchedOffline, offlineWords } from "../../base/offline.ts";
import { random, type Random } from "../../base/random.ts";
import type {
  Completion,
  CompletionOptions,
  CompletionRequest,
  LanguageModel,
  ProviderSettings,
} from "../../domain/languageModel.ts";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../domain/languageModel.ts";
import { abortError, watched } from "./abort.ts";
import { type Delay, MOST_TIME, MOST_TRIES, retryAfter, waitBefore } from "./backOff.ts";
import { bodyOf, type Dialect, fullDialect, withoutRefused } from "./dialect.ts";
import { readAnswer, Unreadable, wordsOf } from "./exchange.ts";
import { promptTooLong } from "./failures.ts";
import { completionOf } from "./worker.ts";

type Settings = Extract<ProviderSettings, { readonly provider: "endpoint" }>;

export interface EndpointHost {
  readonly fetch: typeof fetch;
  /** "https://decoy.example": what the server has to allow. */
  readonly origin?: string;
  readonly delay?: Delay;
  readonly jitter?: Random;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** What a try came to, other than an answer or a refusal. */
type Outcome =
  | { readonly kind: "answer"; readonly completion: Completion }
  /** The request was not understood: it is asked again in simpler words. */
  | { readonly kind: "simpler" }
  /** Worth another try, after a while. */
  | { readonly kind: "later"; readonly why: string; readonly wait: number | undefined };

const pause: Delay = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });

const AGAIN: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const TOO_LONG = /context.{0,12}(?:length|size|window)|maximum context|too many tokens|exceed_context/iu;

function addressOf(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address?.protocol === "http:" || address?.protocol === "https:") {
    return new URL(`${address.href.replace(/[?#].*$/u, "").replace(/\/+$/u, "")}/chat/completions`);
  }
  throw new ProviderRefused(
    `"${url}" is not the address of an endpoint. It begins with http:// or https:// and mostly ends in /v1, as http://localhost:11434/v1.`,
  );
}

class EndpointModel {
  readonly #settings: Settings;
  readonly #address: URL;
  readonly #host: Required<EndpointHost>;
  readonly #closing = new AbortController();
  #dialect = fullDialect;
  #reached = false;

  constructor(settings: Settings, host: EndpointHost) {
    this.#settings = settings;
    this.#address = addressOf(settings.url);
    const seed = Math.floor(performance.timeOrigin);
    const usual = { origin: "this page", delay: pause, jitter: random(seed, "back-off"), now: () => Date.now() };
    this.#host = { ...usual, ...host };
  }

  get at(): string {
    return this.#address.host;
  }

  close(): void {
    this.#closing.abort();
  }

  async complete(request: CompletionRequest, options: CompletionOptions): Promise<Completion> {
    const started = this.#host.now();
    for (let tries = 1; ;) {
      const outcome = await this.#try(request, options);
      if (outcome.kind === "answer") return outcome.completion;
      if (outcome.kind === "simpler") continue;
      const wait = waitBefore(tries, outcome.wait, this.#host.jitter);
      const seconds = Math.ceil(wait / 1000);
      if (tries++ >= MOST_TRIES || this.#host.now() - started + wait > MOST_TIME) {
        const asks = outcome.wait === undefined ? "" : ` It asks to wait ${seconds} seconds.`;
        throw this.#failed(
          `${outcome.why} after ${tries - 1} tries.${asks} Try again later, or fewer requests at once.`,
        );
      }
      await this.#unlessStopped(options.signal, Infinity, (stopped) => this.#host.delay(wait, stopped));
    }
  }

  #unlessStopped<T>(
    signal: AbortSignal,
    within: number,
    work: (signal: AbortSignal, alive: () => void) => Promise<T>,
  ): Promise<T> {
    const stops = [
      { signal: this.#closing.signal, error: () => abortError("The language model was closed.") },
      { signal, error: () => abortError("The request was stopped.") },
    ];
    const late = () =>
      new ModelStalled(
        `${this.at} sent nothing for ${within / 1000} seconds. Allow more seconds, or fewer requests at once.`,
      );
    const stop = new AbortController();
    return watched({ stops, within, late }, (alive) => work(stop.signal, alive)).finally(() => stop.abort());
  }

  #try(request: CompletionRequest, options: CompletionOptions): Promise<Outcome> {
    return this.#unlessStopped(options.signal, options.stallAfter, async (signal, alive) => {
      if (isSwitchedOffline()) throw new ProviderRefused(offlineWords(this.at));
      const dialect = this.#dialect;
      let response: Response;
      try {
        response = await this.#send(bodyOf(request, this.#settings.model, dialect), signal);
      } catch (error) {
        if (this.#reached) return { kind: "later", why: "can't be reached", wait: undefined };
        throw this.#unreachable(messageOf(error));
      }
      this.#reached = true;
      alive();
      if (!response.ok) return this.#refused(response, request, dialect);
      const onPiece = (tokens: number) => {
        alive();
        options.onTokens?.(tokens);
      };
      try {
        const answer = await readAnswer(response, { most: 16 * request.maxTokens, onPiece });
        return { kind: "answer", completion: completionOf(answer, request) };
      } catch (error) {
        return this.#unreadable(error);
      }
    });
  }

  #send(body: object, signal: AbortSignal): Promise<Response> {
    const { key } = this.#settings;
    // A browser's fetch must not be called as a method of anything else.
    const { fetch } = this.#host;
    return fetch(this.#address, {
      method: "POST",
      signal,
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream, application/json",
        ...(key !== "" && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
    });
  }

  /** Words of the server, without the key if it repeats it. */
  #hidden(words: string): string {
    const { key } = this.#settings;
    return key === "" ? words : words.replaceAll(key, "(the key)");
  }

  #failed(words: string): ModelFailed {
    return new ModelFailed(`${this.at} ${this.#hidden(words)}`);
  }

  #unreachable(why: string): ProviderRefused {
    const { origin } = this.#host;
    return new ProviderRefused(
      `${this.at} can't be reached from this page (${this.#hidden(why)}). Either nothing answers there, or it doesn't allow ${origin} to ask. ` +
        `Allow it: Ollama with OLLAMA_ORIGINS=${origin}, vLLM with --allowed-origins '["${origin}"]', LM Studio with CORS switched on; ` +
        "llama.cpp's server allows every page. Where the browser asks whether this page may reach this machine or the local network, say yes.",
    );
  }

  async #refused(response: Response, request: CompletionRequest, dialect: Dialect): Promise<Outcome> {
    const { status } = response;
    const text = await response.text().catch(() => "");
    const words = this.#hidden(wordsOf(parsedOr(text)));
    if (text.includes("insufficient_quota")) {
      throw new ProviderRefused(`${this.at} has no credit left for this key. Fill it up, or choose another provider.`);
    }
    if (AGAIN.has(status)) {
      const wait = retryAfter(response.headers.get("retry-after"), this.#host.now());
      return { kind: "later", why: `answered with status ${status}`, wait };
    }
    if (status === 401 || status === 403) {
      const why = status === 401 ? "doesn't accept the key" : "doesn't allow this key, or this page, to ask";
      throw new ProviderRefused(`${this.at} ${why} (status ${status}). Check the key and what it may use.`);
    }
    if (status === 404) {
      throw new ProviderRefused(
        `${this.at} knows no model ${this.#settings.model}, or nothing lies at ${this.#address.pathname}: ${words} Check the model's name and the address; most end in /v1.`,
      );
    }
    if (TOO_LONG.test(text)) throw promptTooLong(this.#settings.model);
    // Another request may have found out the same meanwhile.
    if (this.#dialect !== dialect) return { kind: "simpler" };
    const simpler = status === 400 || status === 422 ? withoutRefused(dialect, text, request) : undefined;
    if (!simpler) throw this.#failed(`refused the request (status ${status}): ${words}`);
    this.#dialect = simpler;
    return { kind: "simpler" };
  }

  /** A connection that breaks in mid-answer is tried again; an answer that makes no sense is the caller's to try again. */
  #unreadable(error: unknown): Outcome {
    if (error instanceof UserError) throw error;
    if (!(error instanceof Unreadable)) return { kind: "later", why: "broke off in mid-answer", wait: undefined };
    switch (error.kind) {
      case "cut":
        return { kind: "later", why: "broke off in mid-answer", wait: undefined };
      case "page":
        throw new ProviderRefused(
          `${this.at} answered with a web page, not as a chat endpoint does. Check the address: most end in /v1.`,
        );
      case "filtered":
        throw this.#failed("withheld the answer: its content filter objected.");
      case "error":
      case "nonsense":
        throw this.#failed(`sent an answer that can't be read: ${error.message}`);
      default:
        return error.kind satisfies never;
    }
  }
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Asks nothing yet: the first request shows whether the endpoint is there. Errors: {@link ProviderRefused}. */
export function openEndpoint(settings: Settings, host: EndpointHost): LanguageModel {
  const model = new EndpointModel(settings, host);
  return {
    info: {
      provider: "endpoint",
      id: settings.model,
      context: undefined,
      reproducible: false,
      leavesTab: true,
      to: model.at,
      concurrency: settings.concurrency,
    },
    complete: (request, options) => model.complete(request, options),
    close: async () => model.close(),
  };
}
