/** What stages, statuses, sources of decoys and flaws are called. */
import type { DecoysViewName } from "../../app/decoys.ts";
import type { WorkKind, WorkPhase } from "../../app/modelWork.ts";
import type { ReviewFilter } from "../../app/review.ts";
import type { RunPhase } from "../../app/runState.ts";
import type { PairSource } from "../../domain/configTraining.ts";
import type { DraftFlaw, Verdict } from "../../domain/draft.ts";
import type { PromptPart } from "../../domain/generation.ts";
import type { ProviderKind } from "../../domain/languageModel.ts";
import type { RankedBy } from "../../domain/ranking.ts";
import type { RunStatus, StageName } from "../../domain/run.ts";

export const stageWords: Readonly<Record<StageName, string>> = {
  index: "Index the documents",
  mine: "Find negatives",
  gate: "Check them against the answer",
  mix: "Mix decoys per query",
  before: "Measure before",
  train: "Fine-tune the encoder",
  after: "Measure after",
};

/** For the run bar on a phone. */
export const stageShort: Readonly<Record<StageName, string>> = {
  index: "Indexing",
  mine: "Finding",
  gate: "Checking",
  mix: "Mixing",
  before: "Before",
  train: "Training",
  after: "After",
};

export const stageWhy: Readonly<Record<StageName, string>> = {
  index: "Words of all documents, for BM25.",
  mine: "High-ranked passages that do not answer the query.",
  gate: "What scores too near the answer may be one.",
  mix: "One synthetic decoy each, the rest found.",
  before: "The encoder as it is, on held-out queries.",
  train: "Answers up, decoys down, step by step.",
  after: "The same queries again, and the paired test.",
};

export const pairWords: Readonly<Record<PairSource, string>> = {
  queries: "Judged queries",
  titles: "Titles of documents",
  cloze: "Sentences of documents",
  documents: "Titles and sentences",
};

export const statusWords: Readonly<Record<RunStatus, string>> = {
  running: "Running",
  paused: "Paused",
  stopped: "Stopped",
  failed: "Failed",
  finished: "Finished",
};

export const phaseWords: Readonly<Record<RunPhase, string>> = {
  idle: "",
  preparing: "Opening",
  running: "Running",
  pausing: "Pausing",
  paused: "Paused",
  stopping: "Stopping",
};

export const rankedByWords: Readonly<Record<RankedBy, string>> = {
  alone: "The encoder alone",
  rrf: "BM25 and the encoder, RRF",
  zscore: "BM25 and the encoder, z-scores",
};

export const decoysViewWords: Readonly<Record<DecoysViewName, string>> = {
  rows: "Queries and decoys",
  write: "Write decoys",
  review: "Review",
  own: "Your own",
  queries: "Write queries",
};

export const workWords: Readonly<Record<WorkKind, string>> = {
  generate: "Writing decoys",
  judge: "Judging",
  domains: "Looking for domains",
  queries: "Writing queries",
};

export const workPhaseWords: Readonly<Record<WorkPhase, string>> = {
  idle: "",
  opening: "Opening the model",
  running: "",
  pausing: "Pausing after this answer",
  paused: "Paused",
  stopping: "Stopping",
};

export const providerWords: Readonly<Record<ProviderKind, string>> = {
  recorded: "Recorded answers of this collection",
  webllm: "WebLLM, in this tab",
  transformers: "transformers.js, in this tab",
  browser: "The browser’s own model",
  endpoint: "An endpoint (OpenAI’s protocol)",
};

export const providerWhy: Readonly<Record<ProviderKind, string>> = {
  recorded: "Nothing is computed: the answers came with the collection. The quickest way to see how it works.",
  webllm: "Runs on the graphics card. The model is downloaded once and kept by the browser; your text stays here.",
  transformers: "Runs smaller models, without a graphics card too, only slower. Your text stays here.",
  browser: "Some browsers bring a model of their own. Nothing to download here; what it is, the browser decides.",
  endpoint: "A program that speaks OpenAI’s protocol: Ollama, llama.cpp, vLLM, or a service on the web.",
};

export const promptPartWords: Readonly<Record<PromptPart, string>> = {
  role: "Who the model is",
  task: "What it is to do",
  reasoning: "What to think about first",
  hardNegatives: "What a hard negative is",
  attributes: "Level and length",
  format: "Form of the answer",
};

/** What to do when most answers have it. */
export const flawAdvice: Readonly<Partial<Record<DraftFlaw, string>>> = {
  truncated: "Allow longer answers under More.",
  tooShort: "Ask for another length, allow longer answers under More, or choose a larger model.",
  tooLong: "Ask for another length, or choose a larger model.",
  refusal: "Choose another model, or say in the prompt what the passages are for.",
  otherLanguage: "Say in the prompt which language to write in, or choose a model that knows it.",
  noAnswer: "Look at the reasons below: the model or the connection is the trouble, not the answers.",
};

export const flawWords: Readonly<Record<DraftFlaw, string>> = {
  unreadable: "not readable",
  truncated: "cut off",
  echo: "instructions came back",
  refusal: "refused",
  repetition: "the same words over and over",
  empty: "empty",
  tooShort: "too short",
  tooLong: "too long",
  copiesPositive: "copies the answer",
  copiesQuery: "copies the query",
  copiesDocument: "copies a document",
  otherLanguage: "another language",
  talksAboutTask: "talks about the task",
  noAnswer: "no answer came",
  mendedJson: "mended JSON",
  wrapped: "text around the JSON",
  wrongKey: "wrong key",
  cleaned: "cleaned characters",
};

export const verdictWords: Readonly<Record<Verdict["action"], string>> = {
  keep: "Stays a decoy",
  relabel: "Answers the query: becomes an answer",
  drop: "Left out",
};

export const filterWords: Readonly<Record<ReviewFilter, string>> = {
  open: "Not decided yet",
  doubtful: "Doubted by the judge",
  all: "All",
};
