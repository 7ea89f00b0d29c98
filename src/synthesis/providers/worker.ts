/** Language models in our own thread: what the thread cannot promise (an end to every call) is seen to here. */
import { connect, finish, type Port } from "../../base/channel.ts";
import type {
  Completion,
  CompletionOptions,
  CompletionRequest,
  LanguageModel,
  LanguageModelInfo,
} from "../../domain/languageModel.ts";
import { ModelStalled, ProviderRefused } from "../../domain/languageModel.ts";
import type { EngineAnswer, EngineLoad, EngineProgress, GeneratorStages, LoadedModel } from "../engines/contract.ts";
import { errorOf } from "../engines/errorOf.ts";
import { charactersPerToken } from "../schemas.ts";
import { abortError, resolvesWithin, Turns, watched } from "./abort.ts";
import { answerFailure, loadFailure } from "./failures.ts";

/** workers/generator.ts, started. Ending it gives the GPU memory back. */
export interface Thread {
  readonly port: Port;
  terminate(): void;
}

/** In milliseconds. */
export interface Patience {
  /** For an interrupted answer to end by itself; then the thread is ended. */
  readonly interrupt: number;
  /** Without a report while a model is loaded. A file of hundreds of megabytes is one report. */
  readonly load: number;
  /** For the engine to clean up when the model is closed. */
  readonly unload: number;
}

export interface ThreadHost {
  /** Starts workers/generator.ts. */
  readonly startWorker: () => Thread;
  readonly patience?: Partial<Patience>;
}

interface Setup extends ThreadHost {
  readonly load: EngineLoad;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly progress: (report: EngineProgress) => void;
}

const usual: Patience = { interrupt: 2000, load: 600_000, unload: 500 };

/** Tokens of a text, where nobody counted them. */
export const estimatedTokens = (text: string): number => Math.ceil(text.length / charactersPerToken(text));

export function completionOf({ text, finish, ...counts }: EngineAnswer, { messages }: CompletionRequest): Completion {
  const { promptTokens, completionTokens } = counts;
  return {
    text,
    finish,
    promptTokens: promptTokens ?? estimatedTokens(messages.map(({ content }) => content).join("\n")),
    completionTokens: completionTokens ?? estimatedTokens(text),
    counted: promptTokens !== undefined && completionTokens !== undefined,
  };
}

const inMinutes = (milliseconds: number) => `${Math.round(milliseconds / 6000) / 10} minutes`;
/** A stop of ours. What the GPU calls AbortError (a buffer of a lost device) comes over the port as a plain error. */
const isAbort = (error: unknown) => error instanceof DOMException && error.name === "AbortError";

/**
 * The loaded model and its thread. A call that was stopped, or whose model stalled, has settled at once for its caller;
 * the engine is then interrupted, and if that does not help within two seconds the thread is ended: promises of an ended
 * thread never settle, so none is waited for. The next call starts another thread and loads again.
 */
class WorkerModel {
  readonly #setup: Setup;
  readonly #patience: Patience;
  readonly #turns = new Turns();
  readonly #closing = new AbortController();
  #thread: Thread | undefined;
  #stages: GeneratorStages | undefined;
  #calm: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#patience = { ...usual, ...setup.patience };
  }

  #stops(signal: AbortSignal) {
    return [
      { signal: this.#closing.signal, error: () => abortError("The language model was closed.") },
      { signal, error: () => abortError("The request was stopped.") },
    ];
  }

  /** A load is cancelled by ending its thread: WebLLM has no other way. */
  async load({ signal, progress }: OpenOptions): Promise<LoadedModel> {
    const { load, startWorker } = this.#setup;
    const late = () => {
      const time = inMinutes(this.#patience.load);
      return new ProviderRefused(
        `Nothing of ${load.model} arrived for ${time}. Check the connection and try again: files that arrived whole are kept.`,
      );
    };
    try {
      this.#thread = startWorker();
      const stages = connect<GeneratorStages>(this.#thread.port);
      const watch = { stops: this.#stops(signal), within: this.#patience.load, late };
      const loaded = await watched(watch, (alive) =>
        finish(stages.load(load), (report) => {
          alive();
          progress(report);
        }),
      );
      this.#stages = stages;
      return loaded;
    } catch (error) {
      this.#end();
      if (isAbort(error) || error instanceof ProviderRefused) throw error;
      throw loadFailure(errorOf(error), load.model);
    }
  }

  async complete(request: CompletionRequest, options: CompletionOptions): Promise<Completion> {
    const turn = this.#turns.take();
    try {
      await this.#until(turn.ready, options.signal);
      await this.#until(this.#calm, options.signal);
      if (!this.#stages) await this.load({ signal: options.signal, progress: () => undefined });
      return await this.#answer(request, options);
    } finally {
      turn.leave();
    }
  }

  #until(promise: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
    const late = () => new Error("internal: this wait has no limit");
    return watched({ stops: this.#stops(signal), within: Infinity, late }, () => promise);
  }

  async #answer(request: CompletionRequest, options: CompletionOptions): Promise<Completion> {
    const stages = this.#stages;
    if (!stages) throw new Error("internal: a loaded model has its stages");
    let running: Promise<EngineAnswer> | undefined;
    const late = () => {
      const seconds = Math.round(options.stallAfter / 100) / 10;
      return new ModelStalled(
        `${this.#setup.load.model} wrote nothing for ${seconds} seconds and is started anew. Allow more seconds, or choose a smaller model.`,
      );
    };
    const watch = { stops: this.#stops(options.signal), within: options.stallAfter, late };
    try {
      const answer = await watched(watch, (alive) => {
        running = finish(stages.complete(request), (tokens) => {
          alive();
          options.onTokens?.(tokens);
        });
        return running;
      });
      return completionOf(answer, request);
    } catch (error) {
      const closed = this.#closing.signal.aborted;
      if (isAbort(error) && running && !closed) this.#calm = this.#interrupt(stages, running);
      throw this.#failed(error);
    }
  }

  /** The error for the caller; ends the thread where it is of no more use. */
  #failed(error: unknown): unknown {
    if (isAbort(error)) return error;
    if (error instanceof ModelStalled) {
      this.#end();
      return error;
    }
    const failure = answerFailure(errorOf(error), this.#setup.load.model);
    if (failure.broken) this.#end();
    return failure.error;
  }

  /** Of an interrupted answer nothing is said here but that it came to an end. */
  async #interrupt(stages: GeneratorStages, running: Promise<unknown>): Promise<void> {
    finish(stages.interrupt(null)).catch(() => undefined);
    const ended = running.then(
      () => undefined,
      (error: unknown) => {
        if (errorOf(error).name === "WorkerCrashed") throw error;
      },
    );
    const calm = await resolvesWithin(ended, this.#patience.interrupt);
    if (!calm && this.#stages === stages) this.#end();
  }

  #end(): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#stages = undefined;
  }

  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  async #shut(): Promise<void> {
    this.#closing.abort();
    const stages = this.#stages;
    if (stages) await resolvesWithin(finish(stages.unload(null)), this.#patience.unload);
    this.#end();
  }
}

/**
 * The seed is the request's own and all sums have a fixed order: on one device the same request gives the same answer.
 * Two answers at once would only wait for each other.
 */
const infoOf = ({ engine, model }: EngineLoad, { context }: LoadedModel): LanguageModelInfo => ({
  provider: engine,
  id: model,
  context,
  reproducible: true,
  leavesTab: false,
  concurrency: 1,
});

/** Starts the thread and loads the model. Errors: {@link ProviderRefused}, `AbortError`. */
export async function openInThread(load: EngineLoad, options: OpenOptions, host: ThreadHost): Promise<LanguageModel> {
  const model = new WorkerModel({ ...host, load });
  const loaded = await model.load(options);
  return {
    info: infoOf(load, loaded),
    complete: (request, asked) => model.complete(request, asked),
    close: () => model.close(),
  };
}
