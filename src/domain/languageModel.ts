/** A language model as the synthesis sees it: one request in, one answer out. Providers fulfil it, one file each. */
import { UserError } from "../base/errors.ts";

export type ProviderKind = "webllm" | "transformers" | "browser" | "endpoint" | "recorded";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** The subset of JSON Schema (2020-12) that the recipes use; every string, array and number in it is bounded. */
export type JsonSchema =
  | { readonly type: "string"; readonly maxLength: number; readonly enum?: readonly string[] }
  | { readonly type: "boolean" }
  | { readonly type: "array"; readonly items: JsonSchema; readonly maxItems: number; readonly minItems?: number }
  | {
      readonly type: "object";
      readonly properties: Readonly<Record<string, JsonSchema>>;
      readonly required: readonly string[];
      readonly additionalProperties: false;
    };

export interface CompletionRequest {
  readonly messages: readonly ChatMessage[];
  /** Asked for where the provider can; the answer is validated all the same. */
  readonly schema: JsonSchema | undefined;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** What the answer is about, for providers that look answers up instead of writing them. */
  readonly about: { readonly queryId: string; readonly index: number };
}

export interface Completion {
  readonly text: string;
  /** "length": cut at `maxTokens` or at the context's end. */
  readonly finish: "stop" | "length";
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Whether the counts are the provider's own, or estimated from the characters. */
  readonly counted: boolean;
}

export interface LanguageModelInfo {
  readonly provider: ProviderKind;
  /** Its name as drafts record it: "Llama-3.2-1B-Instruct-q4f16_1-MLC", … */
  readonly id: string;
  /** Tokens of prompt and answer together; undefined where the provider does not tell. */
  readonly context: number | undefined;
  /** False where the same seed may give another answer. */
  readonly reproducible: boolean;
  /** True where the text goes to another program or machine; `to` names it. */
  readonly leavesTab: boolean;
  readonly to?: string;
  /** Requests it may be given at once. */
  readonly concurrency: number;
}

export interface CompletionOptions {
  /** Aborting rejects with an `AbortError` within a moment, whatever the model does. */
  readonly signal: AbortSignal;
  /** Milliseconds without a new token after which the model counts as stalled. */
  readonly stallAfter: number;
  /** Tokens written so far. */
  readonly onTokens?: (count: number) => void;
}

/**
 * Errors of `complete`: {@link ModelStalled}, {@link ModelFailed}, {@link ProviderRefused}, `AbortError`. It always settles,
 * even where the engine behind it never does. After `close` every call rejects.
 */
export interface LanguageModel {
  readonly info: LanguageModelInfo;
  complete(request: CompletionRequest, options: CompletionOptions): Promise<Completion>;
  /** Frees everything: the worker is ended, the GPU memory given back. May be called at any time, more than once. */
  close(): Promise<void>;
}

/** No token for too long. The model has been restarted or will be at the next request. */
export class ModelStalled extends UserError {
  override readonly name = "ModelStalled";
}

/** One request failed: another try may succeed. */
export class ModelFailed extends UserError {
  override readonly name = "ModelFailed";
}

/** Nothing that is asked of this provider can succeed as things are: no such model, no key, no GPU, no connection. */
export class ProviderRefused extends UserError {
  override readonly name = "ProviderRefused";
}

/** A model that can be chosen, and what it needs. */
export interface ModelChoice {
  readonly provider: ProviderKind;
  readonly id: string;
  readonly name: string;
  /** Bytes to download; undefined where it is not known before. */
  readonly downloadBytes: number | undefined;
  /** Bytes of GPU memory while it runs; undefined where none or unknown. */
  readonly memoryBytes: number | undefined;
  readonly needsF16: boolean;
  readonly context: number | undefined;
  readonly licence: string;
  /** Whether this device can run it, and if not, why, in words. */
  readonly runs: { readonly here: boolean; readonly why: string };
}

/** How a model is opened: which one, and for an endpoint where and with which key. The key is never stored. */
export type ProviderSettings =
  | { readonly provider: "webllm" | "transformers"; readonly model: string }
  | { readonly provider: "browser" }
  | {
      readonly provider: "endpoint";
      /** "http://localhost:11434/v1" */
      readonly url: string;
      readonly model: string;
      readonly key: string;
      /** Requests at once. */
      readonly concurrency: number;
    }
  | { readonly provider: "recorded" };
