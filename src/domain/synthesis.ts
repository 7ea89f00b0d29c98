/** What the page asks of the synthesis: it is loaded when first needed, and tests give their own. */
import type { Document, Query } from "./collection.ts";
import type { Draft, Verdict } from "./draft.ts";
import type { Generation, PromptPart } from "./generation.ts";
import type { DocumentId, QueryId } from "./ids.ts";
import type { ChatMessage, JsonSchema, LanguageModel, ModelChoice, ProviderSettings } from "./languageModel.ts";
import type { WrittenNegative } from "./negative.ts";

/** One query with an answer, and passages that the search found for it, best first. */
export interface Topic {
  readonly query: Query;
  readonly positive: Document;
  /** Not judged relevant; for the recipe that edits one. May be empty. */
  readonly found: readonly Document[];
}

/** The exact request, and what was drawn for it. */
export interface Prompt {
  readonly messages: readonly ChatMessage[];
  readonly schema: JsonSchema;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A request as it stands before anything was asked. */
export interface Previewed extends Prompt {
  /** Texts in it that stand for words which only the answer to the request before will bring. */
  readonly awaited: readonly string[];
}

/** Documents of the collection that share the most words with a text, best first. */
export type Similar = (text: string) => Promise<readonly Document[]>;

export interface GenerateInput {
  readonly topics: readonly Topic[];
  readonly generation: Generation;
  readonly model: LanguageModel;
  /** Drafts that are there already, by key: nothing that they cover is asked again. */
  readonly known: ReadonlyMap<string, Draft>;
  readonly similar: Similar;
  /** Stops at once, in mid-answer too. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

export type GenerateReport =
  /** A request goes out. `done` of `total` negatives are there. */
  | { readonly kind: "asking"; readonly queryId: QueryId; readonly done: number; readonly total: number }
  /** Tokens of all answers under way so far, about twice a second. */
  | { readonly kind: "tokens"; readonly tokens: number; readonly seconds: number }
  /** Must be stored before the next report is asked for. */
  | { readonly kind: "draft"; readonly draft: Draft };

export interface GenerateSummary {
  readonly asked: number;
  readonly accepted: number;
  readonly repaired: number;
  readonly rejected: number;
  /** Negatives that are still missing after all tries. */
  readonly missing: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly seconds: number;
}

export interface JudgeInput {
  readonly items: readonly {
    readonly query: Query;
    readonly positive: Document;
    readonly passage: { readonly title: string; readonly text: string };
  }[];
  readonly model: LanguageModel;
  readonly signal: AbortSignal;
}

/** `item`: index into the items. A judge that gives no usable answer keeps, and says so. */
export interface JudgeReport {
  readonly item: number;
  readonly verdict: Verdict;
}

export interface WriteQueriesInput {
  readonly documents: readonly Document[];
  /** Queries a document. */
  readonly perDocument: number;
  readonly model: LanguageModel;
  readonly seed: number;
  /** Ranks of the collection's documents for a query, best first: a query is kept if its passage is among the first `top`. */
  readonly search: (query: string, depth: number) => Promise<readonly DocumentId[]>;
  readonly top: number;
  readonly signal: AbortSignal;
}

export interface WrittenQuery {
  readonly documentId: DocumentId;
  readonly text: string;
  readonly kept: boolean;
  /** Why not; where it ranked. */
  readonly reason: string;
}

/** Attribute lists for one kind of collection. */
export interface Preset {
  readonly name: string;
  readonly label: string;
  /** Where the lists come from. */
  readonly origin: string;
  readonly domains: readonly string[];
  readonly levels: readonly string[];
  readonly lengths: readonly string[];
}

/** A request that is asked elsewhere, with what its answer is checked by. */
export interface HandedRequest extends Prompt {
  readonly query_id: QueryId;
  readonly positive_id: DocumentId;
  /** Which of its query's negatives it asks for, from 0. */
  readonly index: number;
  readonly query: string;
  readonly positive: { readonly title: string; readonly text: string };
  /** Of the first try and of each further one. */
  readonly seeds: readonly number[];
}

/** Writing that goes on elsewhere: the requests, and as JSON what the checks of their answers know. */
export interface HandOver {
  readonly count: number;
  requests(): Iterable<HandedRequest>;
  readonly checks: Readonly<Record<string, unknown>>;
}

export interface Synthesis {
  readonly presets: readonly Preset[];
  /** The recipe's own words for each part. */
  defaultParts(
    generation: Pick<Generation, "recipe" | "reflection" | "attributes">,
  ): Readonly<Record<PromptPart, string>>;
  /** What would be asked for the `index`-th negative of a topic, on its first try, request by request. */
  preview(topic: Topic, generation: Generation, index: number): readonly Previewed[];
  /** All models of a provider, those that this device cannot run marked so. */
  models(provider: ProviderSettings["provider"]): Promise<readonly ModelChoice[]>;
  /** Errors: ProviderRefused, ModelFailed. `progress` in bytes where known, else a share of 1. */
  open(
    settings: ProviderSettings,
    recorded: readonly WrittenNegative[],
    options: {
      readonly signal: AbortSignal;
      readonly progress: (report: { readonly done: number; readonly total: number; readonly words: string }) => void;
    },
  ): Promise<LanguageModel>;
  generate(input: GenerateInput): AsyncGenerator<GenerateReport, GenerateSummary, void>;
  judge(input: JudgeInput): AsyncGenerator<JudgeReport, void, void>;
  writeQueries(input: WriteQueriesInput): AsyncGenerator<WrittenQuery, void, void>;
  /** Domains that the model sees in a sample of documents; at most twelve. */
  suggestDomains(documents: readonly Document[], model: LanguageModel, signal: AbortSignal): Promise<readonly string[]>;
  /** For recipes that ask once a negative: CausalNeg's second request hangs on the first one's answer. */
  handOver(topics: readonly Topic[], generation: Generation): HandOver;
  /** The same checks for a person's own words: what is wrong with them, if anything. */
  checkOwn(topic: Topic, passage: { readonly title: string; readonly text: string }, similar: Similar): Promise<Draft>;
}
