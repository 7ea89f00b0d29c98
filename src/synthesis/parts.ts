/**
 * The words of the prompts, part by part, and how a template is filled. The structure is SyNeg's (arXiv 2412.17250: role,
 * task, reasoning, hard negatives, attributes, format); the paper's own sentences are not known here, these are ours.
 */
import type { Generation, PromptPart } from "../domain/generation.ts";
import { answerKeys, charactersPerToken } from "./schemas.ts";

export type Parts = Readonly<Record<PromptPart, string>>;
type Switches = Pick<Generation, "recipe" | "reflection" | "attributes">;

const role = "You are an expert in {domain}. You write training examples for a search engine.";

const task =
  'Task: You are given an example as a JSON object. "user_query" is what somebody searched for and ' +
  '"positive_document" is a passage that answers it. Write one hard negative document for this query.';

const reasoning =
  "Reasoning: Think before you write. First say what makes the positive document the answer. Then say what a near " +
  "miss shares with it and what the near miss lacks. Write a first draft of the near miss. Read the draft as the person " +
  "who searched: does it answer the query, in part, or as evidence for or against it? Say so, and say what must change. " +
  "Then write the final passage, mended where your critique found a fault.";

/** A contradiction is relevant evidence: judgements for claims (SciFact's qrels) count it as an answer. */
const hardNegatives = `A hard negative document
- has the topic of the positive document and uses some of its terms and names, so that it looks like an answer at first sight;
- does NOT answer the query: it gives neither the answer nor a part of it, nor a fact from which the answer follows;
- where the query is a claim, neither supports nor refutes the claim;
- never negates or contradicts the positive document and never gives a wrong answer instead: it deals with a neighbouring question;
- is specific and plausible, and could stand in the same collection;
- stands on its own: it speaks of no query, no example, no other document, and not of what it leaves out;
- is written in the language of the query.`;

const attributes = `The passage is for readers with this level of education: {level}.
In length the passage should be {length} the "positive_document".`;

const title = `"${answerKeys.title}": a title for the final passage, where the example has a "positive_title";`;

const passage = `"${answerKeys.passage}": the final passage, {limit} at the most.`;

const oneObject = "Format: Answer with one JSON object and nothing else. Its keys, in this order:";

const reflectiveFormat = `${oneObject}
"${answerKeys.positive}": what makes the positive document the answer, in one sentence;
"${answerKeys.shares}": what the near miss shares with it, in one sentence;
"${answerKeys.lacks}": what the near miss lacks, so that it is no answer, in one sentence;
"${answerKeys.draft}": a first draft, which may be shorter than the final passage;
"${answerKeys.critique}": why the draft does not answer the query, or where it does and what must change;
${title}
${passage}`;

const plainFormat = `${oneObject}
${title}
${passage}`;

/** CausalNeg's two stages (arXiv 2606.01304): the analysis is its reasoning, the edit its task. */
const analysis =
  'Task: You are given an example as a JSON object. "user_query" is what somebody searched for and ' +
  '"positive_document" is a passage that answers it. Find the boundary of the answer: what the query needs at its ' +
  "core, how the positive document meets that need, and what exactly would have to change for a passage on the same " +
  "topic to answer it no longer. Then propose ways to cross the boundary. A wrong, partial or negated answer does not " +
  "cross it.";

const edit =
  'Task: You are given an example as a JSON object. "user_query" is what somebody searched for and ' +
  '"positive_document" is a passage that answers it. "answer_boundary" and "planned_change" come from an analysis of the ' +
  'example. Write one hard negative document: rewrite "found_document" for it, keep its style, but copy none of its ' +
  'sentences whole. Where there is no "found_document", write anew in the style of "positive_document". Cross the ' +
  "boundary in this one way and stay on the topic otherwise: {strategy}.";

/** The recipe's own words for each part; "" for a part that the switches leave out. */
export function defaultParts({ recipe, reflection, attributes: drawn }: Switches): Parts {
  const common = { role, hardNegatives, attributes: drawn ? attributes : "" };
  if (recipe === "causalneg") return { ...common, task: edit, reasoning: analysis, format: plainFormat };
  return {
    ...common,
    task,
    reasoning: reflection ? reasoning : "",
    format: reflection ? reflectiveFormat : plainFormat,
  };
}

/** A person's words where there are any, else the recipe's own; what the switches leave out stays out. */
export function partsOf(generation: Switches & Pick<Generation, "parts">): Parts {
  const own = defaultParts(generation);
  const { parts } = generation;
  return {
    role: parts.role ?? own.role,
    task: parts.task ?? own.task,
    reasoning: own.reasoning && (parts.reasoning ?? own.reasoning),
    hardNegatives: parts.hardNegatives ?? own.hardNegatives,
    attributes: own.attributes && (parts.attributes ?? own.attributes),
    format: parts.format ?? own.format,
  };
}

/** By placeholder name. Undefined: known, but there is nothing to put in. */
export type Values = Readonly<Record<string, string | undefined>>;

/**
 * Puts values in the place of {names}, in one pass: braces inside a value are never read. A line with a placeholder that
 * has nothing to put in is left out; a placeholder that nobody knows stays as it is written.
 */
export function fill(template: string, values: Values): string {
  const placeholder = /\{([A-Za-z]+)\}/g;
  const empty = (name: string) => Object.hasOwn(values, name) && values[name] === undefined;
  return template
    .split("\n")
    .filter((line) => !Array.from(line.matchAll(placeholder)).some(([, name = ""]) => empty(name)))
    .join("\n")
    .replaceAll(placeholder, (written, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? "") : written))
    .trim();
}

/** Starts of the marks by which chat templates tell turns apart: `<|im_end|>`, `</s>`, `<start_of_turn>`, `[INST]`. */
const turnMark = /<(?=[|\u{FF5C}/a-z])|\[(?=\/?(?:INST|SYS))/giu;

/**
 * Data as JSON, so that no quote or line break in it ends it early. A sign that could open a chat template's mark is
 * written as an escape: tokenizers read such marks anywhere in a prompt. It parses back to the same value.
 */
export function asData(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(turnMark, (sign) => (sign === "<" ? "\\u003c" : "\\u005b"));
}

/** The start of a text, about `tokens` long, cut between words where it has any: a model's context is small. */
export function excerpt(text: string, tokens: number): string {
  const most = Math.floor(tokens * charactersPerToken(text));
  if (text.length <= most) return text;
  const start = text.slice(0, most);
  const atWord = start.replace(/\s\S*$/, "").trimEnd();
  return `${(atWord.length > most / 2 ? atWord : start).replace(/[\uD800-\uDBFF]$/, "")} …`;
}

/** "300 words", or "500 characters" for a script that does not part its words. */
export function lengthInWords(characters: number, sample: string): string {
  const spaces = (sample.match(/\s+/g) ?? []).length;
  const perWord = sample.length / Math.max(1, spaces);
  const round = (count: number) => Math.max(10, Math.floor(count / 10) * 10);
  return perWord < 15 || sample.length < 30 ? `${round(characters / 6.5)} words` : `${round(characters)} characters`;
}
