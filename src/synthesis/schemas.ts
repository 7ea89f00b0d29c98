/**
 * The answers that are asked for, as JSON Schemas: every string and array is bounded, and the keys stand in the order in
 * which the model should think, since a decoder held to a schema writes them in that order.
 */
import type { Generation } from "../domain/generation.ts";
import type { JsonSchema } from "../domain/languageModel.ts";

/** SyNeg's answer. Without reflection only title and passage; without a title in the positive no title. */
export const answerKeys = {
  positive: "answer_because",
  shares: "shares",
  lacks: "lacks",
  draft: "draft",
  critique: "critique",
  title: "title",
  passage: "hard_negative_document",
} as const;

/** CausalNeg's first stage. `breaks` is a list of {strategy, change}. */
export const boundaryKeys = {
  need: "core_need",
  how: "how_positive_answers",
  boundary: "answer_boundary",
  breaks: "breaks",
  strategy: "strategy",
  change: "change",
} as const;

export const judgeKeys = { reason: "reason", answers: "answers" } as const;
export const judgeAnswers = ["yes", "partly", "no"] as const;
export type JudgeAnswer = (typeof judgeAnswers)[number];

export const queryKeys = { queries: "queries" } as const;
export const domainKeys = { domains: "domains" } as const;

/** Ways to leave the answer's boundary (names: mzhangzhicheng/CausalNeg, generate_hard_negatives.py). */
export const breakStrategies = [
  "entity_shift",
  "intent_drift",
  "constraint_violation",
  "attribute_shift",
  "relation_break",
  "upstream_downstream",
] as const;
export type BreakStrategy = (typeof breakStrategies)[number];

/** Scripts of which a token holds about one character. */
const dense = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/**
 * Characters of a text like this that one token holds, roughly: 4 in Latin script, 2 in other alphabets, 1 where the
 * script has no spaces. There is no tokenizer here: providers differ, and only a bound is wanted.
 */
export function charactersPerToken(sample: string): number {
  let characters = 0;
  let tokens = 0;
  for (const character of sample.slice(0, 2000)) {
    characters++;
    tokens += dense.test(character) ? 1 : character > "\u{24F}" && /\p{L}/u.test(character) ? 0.5 : 0.25;
  }
  return characters === 0 ? 4 : characters / tokens;
}

const string = (maxLength: number): JsonSchema => ({ type: "string", maxLength: Math.floor(maxLength) });

/** Every property is required and nothing else is allowed. */
function object(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

/** Characters that an answer of `maxTokens` has room for beside `keys` keys with their punctuation, 10 tokens each. */
function room(maxTokens: number, keys: number, sample: string): number {
  return Math.max(0, maxTokens - 10 * keys) * charactersPerToken(sample);
}

/** What a passage may need at the most: the positive and 30 %, so that no length asked for is cut in mid-sentence. */
const wanted = (positive: string) => Math.max(240, Math.ceil(1.3 * positive.length));

/** A positive as the prompt shows it. */
export interface Shown {
  readonly title: string;
  readonly text: string;
}

/** Most characters of each part of an answer; together they fit `maxTokens`. */
interface AnswerLengths {
  readonly note: number;
  readonly draft: number;
  readonly title: number;
  readonly passage: number;
}

/** The passage comes first, then the notes; a first draft of a long passage has to be shorter than the passage. */
export function answerLengths(
  positive: Shown,
  { reflection, maxTokens }: Pick<Generation, "reflection" | "maxTokens">,
): AnswerLengths {
  const space = room(maxTokens, reflection ? 7 : 2, positive.text);
  const title = clamp(0.04 * space, 1, 150);
  const note = clamp(0.06 * space, 1, 240);
  const passage = clamp((reflection ? 0.6 : 0.95) * space, 1, wanted(positive.text));
  const draft = clamp(space - passage - title - 4 * note, 1, wanted(positive.text));
  return {
    note: Math.floor(note),
    draft: Math.floor(draft),
    title: Math.floor(title),
    passage: Math.floor(passage),
  };
}

/** SyNeg's answer to an example with this positive. */
export function answerSchema(positive: Shown, generation: Pick<Generation, "reflection" | "maxTokens">): JsonSchema {
  const lengths = answerLengths(positive, generation);
  const note = string(lengths.note);
  return object({
    ...(generation.reflection && {
      [answerKeys.positive]: note,
      [answerKeys.shares]: note,
      [answerKeys.lacks]: note,
      [answerKeys.draft]: string(lengths.draft),
      [answerKeys.critique]: note,
    }),
    ...(positive.title !== "" && { [answerKeys.title]: string(lengths.title) }),
    [answerKeys.passage]: string(lengths.passage),
  });
}

/** CausalNeg's second stage: the passage alone. */
export function editSchema(positive: Shown, maxTokens: number): JsonSchema {
  return answerSchema(positive, { reflection: false, maxTokens });
}

/** CausalNeg's first stage: three sentences and two to four ways to break the answer. */
export function boundarySchema(sample: string, maxTokens: number): JsonSchema {
  const space = room(maxTokens, 13, sample);
  const sentence = string(clamp(0.14 * space, 1, 300));
  const way = object({
    [boundaryKeys.strategy]: { type: "string", maxLength: 20, enum: breakStrategies },
    [boundaryKeys.change]: string(clamp(0.14 * space, 1, 200)),
  });
  return object({
    [boundaryKeys.need]: sentence,
    [boundaryKeys.how]: sentence,
    [boundaryKeys.boundary]: sentence,
    [boundaryKeys.breaks]: { type: "array", items: way, minItems: 2, maxItems: 4 },
  });
}

/** The reason comes first: what is written before the verdict can still change it. */
export const judgeSchema: JsonSchema = object({
  [judgeKeys.reason]: string(300),
  [judgeKeys.answers]: { type: "string", maxLength: 6, enum: judgeAnswers },
});

/** Exactly `count` queries. */
export function querySchema(count: number): JsonSchema {
  return object({
    [queryKeys.queries]: { type: "array", items: string(240), minItems: count, maxItems: count },
  });
}

export const domainSchema: JsonSchema = object({
  [domainKeys.domains]: { type: "array", items: string(60), minItems: 1, maxItems: 12 },
});
