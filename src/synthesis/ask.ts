/** One request to a language model, with a limit on its time, and its errors told apart by what they mean for the loops. */
import { messageOf } from "../base/errors.ts";
import type { Completion, CompletionRequest, LanguageModel } from "../domain/languageModel.ts";
import { ModelFailed } from "../domain/languageModel.ts";
import { orStopped } from "./queue.ts";

export interface Patience {
  readonly signal: AbortSignal;
  /** Seconds without a new token. */
  readonly stallAfter: number;
  /** Seconds for the whole answer. */
  readonly timeout: number;
  readonly onTokens?: (count: number) => void;
}

export type Asked =
  | { readonly kind: "answer"; readonly completion: Completion; readonly seconds: number }
  /** Another try may succeed. `tokens`: written until it failed. */
  | { readonly kind: "failed"; readonly why: string; readonly tokens: number; readonly seconds: number };

/** For requests that no recipe sets the limits of: short answers. */
export const usualPatience = { stallAfter: 60, timeout: 180 };

/** Over a thread's border an error keeps its name and loses its class. */
function endsAll(error: unknown): boolean {
  return error instanceof Error && (error.name === "ProviderRefused" || error.name === "AbortError");
}

/**
 * Rejects with ProviderRefused, with the reason of `signal`, and with the `AbortError` of a model that was closed; every
 * other failure is a value.
 */
export async function ask(model: LanguageModel, request: CompletionRequest, patience: Patience): Promise<Asked> {
  const { signal, stallAfter, timeout } = patience;
  signal.throwIfAborted();
  const started = performance.now();
  const until = new AbortController();
  const stop = () => until.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const late = new ModelFailed(
    `The answer was not finished after ${timeout} seconds and was given up. Allow more seconds, or fewer tokens.`,
  );
  const timer = setTimeout(() => until.abort(late), timeout * 1000);
  let tokens = 0;
  const onTokens = (count: number) => {
    tokens = count;
    patience.onTokens?.(count);
  };
  const seconds = () => (performance.now() - started) / 1000;
  try {
    const answer = model.complete(request, { signal: until.signal, stallAfter: stallAfter * 1000, onTokens });
    return { kind: "answer", completion: await orStopped(answer, until.signal), seconds: seconds() };
  } catch (error) {
    signal.throwIfAborted();
    const cause = until.signal.aborted ? late : error;
    if (endsAll(cause)) throw cause;
    return { kind: "failed", why: messageOf(cause), tokens, seconds: seconds() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** Stops a loop whose model gives no answers at all: going on would take a time-out for each request. */
export class Losses {
  static readonly most = 5;
  #inRow = 0;

  answered(): void {
    this.#inRow = 0;
  }

  /** Returns the error to stop with, once there were too many. */
  failed(why: string): ModelFailed | undefined {
    this.#inRow++;
    if (this.#inRow < Losses.most) return undefined;
    return new ModelFailed(
      `${this.#inRow} requests in a row had no answer. The last: ${why} Check the model or choose another; ` +
        "what is written is kept.",
    );
  }
}
