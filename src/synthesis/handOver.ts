/**
 * Requests and checks for a program that writes decoys elsewhere (src/export/cluster): the prompts as they would be asked here,
 * and, as data, the patterns and word lists of the checks in the syntax of Python's `re`, so that nobody types them again.
 */
import { assert } from "../base/assert.ts";
import type { Generation } from "../domain/generation.ts";
import type { HandedRequest, HandOver, Topic } from "../domain/synthesis.ts";
import { modelSeed } from "./attributes.ts";
import {
  doubleEscapes,
  entities,
  invisible,
  joined,
  label,
  markup,
  quotedWhole,
  templateMark,
  wordCountAtEnd,
} from "./clean.ts";
import { description, instructionText, placeholderWords } from "./echo.ts";
import { lists, scripts } from "./language.ts";
import { southeastAsian, unspaced } from "./overlap.ts";
import { promptFor } from "./prompt.ts";
import { refusals } from "./refusal.ts";
import { answerKeys } from "./schemas.ts";
import { talk } from "./talk.ts";

/** A pattern as Python reads it, and which of "i" (letter case) and "m" (lines) hold. */
interface PythonPattern {
  readonly source: string;
  readonly flags: string;
}

/**
 * In JavaScript \w and \b are ASCII's and $ is the very end; Python's `(?a:…)` and \Z say the same. A code point in braces is
 * written as itself. Properties (\p) have no counterpart: they go as ranges.
 */
export function pythonPattern({ source, flags, multiline }: RegExp): PythonPattern {
  assert(!/\\p\{/iu.test(source), `a pattern with a property has no counterpart: ${source}`);
  let inClass = false;
  const translated = source.replace(/\\u\{([0-9A-F]+)\}|\\.|[[\]$]/giu, (sign: string, code: string | undefined) => {
    if (code !== undefined) return String.fromCodePoint(parseInt(code, 16));
    if (sign === "[") inClass = true;
    if (sign === "]") inClass = false;
    if (inClass) return sign === "\\w" ? "A-Za-z0-9_" : sign;
    if (["\\w", "\\W", "\\b", "\\B"].includes(sign)) return `(?a:${sign})`;
    return sign === "$" && !multiline ? "\\Z" : sign;
  });
  return { source: translated, flags: flags.replaceAll(/[^im]/gu, "") };
}

const replacement = ([pattern, by]: readonly [RegExp, string]) => ({
  ...pythonPattern(pattern),
  by: by.replaceAll("$1", "\\1"),
});

/** Code points up to where letters end, and the tags and variation selectors of the fifteenth plane; no half of a pair. */
const looked = [
  [0, 0xd7ff],
  [0xe000, 0x31fff],
  [0xe0000, 0xe01ef],
] as const;

function everyCharacter(): string {
  const characters: string[] = [];
  for (const [first, last] of looked)
    for (let code = first; code <= last; code++) characters.push(String.fromCodePoint(code));
  return characters.join("");
}

/** Code points of a class, as first and last of each run; `among` has them in order. */
function rangesOf(inside: string, among: string): readonly (readonly [number, number])[] {
  return Array.from(among.matchAll(new RegExp(`[${inside}]+`, "gu")), ([run]) => {
    const end = run.codePointAt(run.length - 2) ?? 0;
    return [run.codePointAt(0) ?? 0, end > 0xffff ? end : run.charCodeAt(run.length - 1)];
  });
}

/** What checks.py is told; it has the bounds and the steps itself. */
function checksAsData(): HandOver["checks"] {
  const all = everyCharacter();
  const ranges = (inside: string) => rangesOf(inside, all);
  return {
    keys: answerKeys,
    talk: talk.map(({ speaks, unless = speaks }) => ({
      speaks: pythonPattern(speaks),
      unless: pythonPattern(unless),
    })),
    refusals: pythonPattern(refusals),
    echo: { words: [...placeholderWords], description: pythonPattern(description), instructions: instructionText },
    clean: {
      invisible: pythonPattern(invisible),
      marks: pythonPattern(templateMark),
      escapes: doubleEscapes.map(replacement),
      label: pythonPattern(label),
      count: pythonPattern(wordCountAtEnd),
      markup: markup.map(replacement),
      quoted: pythonPattern(quotedWhole),
      entities: entities.map(replacement),
    },
    scripts: scripts.map(([name, { source }]) => ({ name, ranges: ranges(source.replaceAll(/^\[|\]$/gu, "")) })),
    words: lists,
    ranges: {
      marks: ranges(String.raw`\p{M}`),
      joined: ranges(joined),
      unspaced: ranges(unspaced),
      southeastAsian: ranges(southeastAsian),
    },
  };
}

function* requestsOf(topics: readonly Topic[], generation: Generation): Generator<HandedRequest, void, void> {
  for (let index = 0; index < generation.perQuery; index++) {
    for (const topic of topics) {
      const { query, positive } = topic;
      const { messages, schema, attributes } = promptFor(topic, generation, { index, attempt: 1 });
      const attempts = Array.from({ length: generation.retries + 1 }, (_, i) => i + 1);
      yield {
        query_id: query.id,
        positive_id: positive.id,
        index,
        query: query.text,
        positive: { title: positive.title, text: positive.text },
        messages,
        schema,
        attributes,
        seeds: attempts.map((attempt) => modelSeed(generation, query.id, { index, attempt }, "answer")),
      };
    }
  }
}

/** The first negatives of all topics before the second ones, as here. */
export function handOver(topics: readonly Topic[], generation: Generation): HandOver {
  assert(generation.recipe === "syneg", "a recipe that asks once a negative");
  return {
    count: topics.length * generation.perQuery,
    requests: () => requestsOf(topics, generation),
    checks: checksAsData(),
  };
}
