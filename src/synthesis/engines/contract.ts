/** What workers/generator.ts serves: one language model at a time, on the engine that it was loaded with. */
import type { Stage } from "../../base/channel.ts";
import type { CompletionRequest } from "../../domain/languageModel.ts";

export type EngineKind = "webllm" | "transformers";

export interface EngineLoad {
  readonly engine: EngineKind;
  readonly model: string;
  /** WebLLM only: where a model lies that its own list does not name. */
  readonly files?: { readonly weights: string; readonly library: string };
  /** transformers.js only: the host that stands for the Hugging Face Hub. */
  readonly host?: string;
}

/** In bytes where the engine tells them, else a share of 1. Each set of words counts anew. */
export interface EngineProgress {
  readonly done: number;
  readonly total: number;
  readonly words: string;
}

export interface LoadedModel {
  /** Tokens of prompt and answer together. */
  readonly context: number | undefined;
}

export type EngineRequest = Omit<CompletionRequest, "about">;

export interface EngineAnswer {
  readonly text: string;
  readonly finish: "stop" | "length";
  /** Undefined where the engine did not count. */
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/** One inference library. It may reject with anything and may never settle: the other side of the port sees to that. */
export interface Engine {
  load(input: EngineLoad, report: (progress: EngineProgress) => void): Promise<LoadedModel>;
  /** `onTokens`: tokens written so far. */
  complete(request: EngineRequest, onTokens: (count: number) => void): Promise<EngineAnswer>;
  /** Asks the answer under way to end; then `complete` rejects. Without one it does nothing. */
  interrupt(): void;
  unload(): Promise<void>;
}

export type GeneratorStages = {
  load: Stage<EngineLoad, EngineProgress, LoadedModel>;
  complete: Stage<EngineRequest, number, EngineAnswer>;
  interrupt: Stage<null, never, void>;
  unload: Stage<null, never, void>;
};
