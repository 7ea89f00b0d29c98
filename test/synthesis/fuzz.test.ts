/** Whatever a model answers: a verdict, no throw, no half passage, and work in proportion to the text. */
import * as repairing from "jsonrepair";
import { expect, test, vi } from "vitest";
import { random, type Random } from "../../src/base/random.ts";
import { judgeAnswerText, type AnswerInput, type AnswerJudged } from "../../src/synthesis/answer.ts";
import { unitsOf } from "../../src/synthesis/overlap.ts";
import { readJson } from "../../src/synthesis/readJson.ts";
import { endsSentence } from "../../src/synthesis/repair.ts";
import { cases, document, inputOf, type Case } from "./fixtures.ts";

vi.mock("jsonrepair", { spy: true });

const pick = <T>(items: readonly T[], source: Random): T => items[source.integer(items.length)] as T;

/** A stretch of a text: its two ends. */
function stretch(text: string, source: Random): readonly [from: number, to: number] {
  const from = source.integer(text.length + 1);
  return [from, Math.min(text.length, from + source.integer(1 + Math.ceil(text.length / 4)))];
}

const spliced = (text: string, source: Random, put: string) => {
  const [from] = stretch(text, source);
  return text.slice(0, from) + put + text.slice(from);
};

const anyUnits = (count: number, source: Random) =>
  String.fromCharCode(...Array.from({ length: count }, () => source.integer(0x10000)));
const bytes = (count: number, source: Random) =>
  String.fromCharCode(...Array.from({ length: count }, () => source.integer(256)));

const scraps = [
  '"',
  "'",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  "\n",
  "```",
  "<think>",
  "</think>",
  "\\u12",
  "“",
  "<|im_end|>",
  '","',
  '": "',
  "...",
  "**",
  "&quot;",
  "\u0000",
  "\ud800",
  "\ufffd",
  "hard_negative_document",
  "//",
  "/*",
  "null",
  "1e999",
  "I'm sorry, but I cannot help",
];
/** What patterns with nested repetitions choke on. */
const regexHostile = [
  "a ",
  "a",
  " ",
  "\n",
  "aaaa!",
  "((",
  "\t ",
  "not ",
  "the ",
  "here is a ",
  "Ａ",
  "é",
  ". ",
  "_",
  "* ",
  "`",
  "<p ",
  "[a](",
  "&amp;",
  "。",
  "以下是",
  '\\"',
  '"\\',
  "0 ",
];

type Mutation = (text: string, source: Random) => string;

const mutations: readonly Mutation[] = [
  (text, source) => text.slice(0, stretch(text, source)[0]),
  (text, source) => text.slice(stretch(text, source)[0]),
  (text, source) => {
    const [from, to] = stretch(text, source);
    return text.slice(0, from) + text.slice(to);
  },
  (text, source) => {
    const [from, to] = stretch(text, source);
    return spliced(text, source, text.slice(from, to));
  },
  (text, source) => {
    const other = pick(cases, source).answer;
    return text.slice(0, stretch(text, source)[0]) + other.slice(stretch(other, source)[0]);
  },
  (text, source) => spliced(text, source, bytes(1 + source.integer(40), source)),
  (text, source) => spliced(text, source, anyUnits(1 + source.integer(40), source)),
  (text, source) => spliced(text, source, pick(scraps, source)),
  (text, source) => spliced(text, source, pick(regexHostile, source).repeat(1 + source.integer(800))),
  (text, source) => text.replaceAll(pick(['"', "\\", "{", "}", ",", ":", " "], source), pick(scraps, source)),
  (text, source) =>
    spliced(text, source, pick(["[", "{", '{"a":', "[{", '[{"a":['], source).repeat(1 + source.integer(2000))),
];

/** Ten thousand levels, and texts of a million characters: rare, since they are slow. */
const large: readonly Mutation[] = [
  (text) => '{"a":'.repeat(10_000) + text + "}".repeat(10_000),
  (text) => "[".repeat(10_000) + text,
  (text, source) => spliced(text, source, pick(regexHostile, source).repeat(1_000_000)).slice(0, 1_000_000),
  (text) => `{"hard_negative_document": "${text.replaceAll(/["\\]/g, "").repeat(3000)}".slice(0, 1_000_000)}"}`,
  (_, source) => anyUnits(100_000, source),
];

function fuzzed(seed: number): AnswerInput {
  const source = random(seed, "answers");
  const item = pick(cases, source);
  const input = inputOf(item);
  let { answer } = input;
  if (seed % 500 === 0) answer = (large[(seed / 500) % large.length] ?? large[0])?.(answer, source) ?? "";
  else for (let i = source.integer(3); i >= 0; i--) answer = pick(mutations, source)(answer, source);
  const finish = source.next() < 0.4 ? "length" : "stop";
  return { ...input, answer, finish, reflection: source.next() < 0.5 };
}

const mendable = new Set(["mendedJson", "wrapped", "wrongKey", "cleaned"]);
const normalised = (text: string) => unitsOf(text).join(" ");

/** What holds for every verdict. */
function problemsOf({ positive }: AnswerInput, { outcome, notes, title, text, reasoning }: AnswerJudged): string[] {
  const problems: string[] = [];
  const must = (holds: boolean, what: string) => holds || problems.push(what);
  const reasons = notes.filter(({ flaw }) => !mendable.has(flaw));
  for (const written of [title, text, ...notes.map((note) => note.text), ...Object.values(reasoning ?? {})])
    must(written.isWellFormed() && !/\p{Cc}/u.test(written), "control characters or lone surrogates");
  must(
    notes.every((note) => note.text.length > 10 && note.text.length < 500),
    "a note without words, or an endless one",
  );
  switch (outcome) {
    case "rejected":
      must(reasons[0] !== undefined && reasons[0] === notes[0], "rejected without the reason first");
      break;
    case "repaired":
      must(notes.length > 0, "repaired without a note");
      break;
    case "accepted":
      must(notes.length === 0, "accepted with a note");
      break;
    default:
      problems.push(outcome satisfies never);
  }
  if (outcome === "rejected") return problems;
  must(reasons.length === 0, "usable with a reason against it");
  must(unitsOf(text).length >= 8 && text === text.trim(), "an empty or ragged passage");
  must(normalised(text) !== normalised(positive.text), "the positive");
  must(!/hard_negative_document|<\|im_end\|>/.test(text), "the answer's scaffolding in the passage");
  return problems;
}

test("ten thousand broken answers end as accepted, repaired or rejected", { timeout: 120_000 }, () => {
  const outcomes = { accepted: 0, repaired: 0, rejected: 0 };
  const problems: unknown[] = [];
  for (let seed = 0; seed < 10_000; seed++) {
    const input = fuzzed(seed);
    const judged = judgeAnswerText(input);
    outcomes[judged.outcome] += 1;
    const found = problemsOf(input, judged);
    if (found.length > 0) problems.push({ seed, found, text: judged.text.slice(0, 200) });
  }
  expect(problems.slice(0, 5)).toEqual([]);
  // Were nearly all of one kind, the others would not have been tested.
  expect(outcomes.accepted).toBeGreaterThan(100);
  expect(outcomes.repaired).toBeGreaterThan(1000);
});

interface Whole {
  readonly name: string;
  readonly answer: string;
  readonly passage: string;
  readonly item: Case;
}

/** Good answers as written, with quotation marks that were not escaped, and in Python's quotes. */
const whole: readonly Whole[] = cases
  .filter(({ name }) => /^good reflective answer: (?:honey|cocoa|fr|zh|index)$/.test(name))
  .flatMap((item) => {
    const members = JSON.parse(item.answer) as Record<string, string>;
    const { hard_negative_document: passage = "" } = members;
    const quoting = passage.replace(/^(\S+ \S+|..)/u, 'The "$1", or "so-called"');
    const broken = item.answer.replace(passage, () => quoting);
    const python = `{'draft': 'It's a draft.', 'hard_negative_document': '${passage}'}`;
    const { name } = item;
    return [
      { name, answer: item.answer, passage, item },
      { name: `${name}, quotation marks not escaped`, answer: broken, passage: quoting, item },
      { name: `${name}, Python's quotes`, answer: python, passage, item },
    ];
  });

test.each(whole)("$name: cut anywhere, it is whole or it is rejected", ({ answer, passage, item }) => {
  // The passage is the last value: behind it come its quote and the brace.
  const end = answer.lastIndexOf(passage.slice(-20)) + 20;
  const wrong: unknown[] = [];
  for (let length = 1; length <= answer.length; length++) {
    for (const finish of ["length", "stop"] as const) {
      const { outcome, text, notes } = judgeAnswerText({ ...inputOf(item), answer: answer.slice(0, length), finish });
      const usable = outcome !== "rejected";
      // Cut by the limit, only the whole passage counts; where the model stopped by itself, whole sentences may.
      const right =
        finish === "length"
          ? !usable || (length > end && text === passage)
          : !usable || (passage.startsWith(text) && endsSentence(text));
      if (!right) wrong.push({ length, finish, outcome, notes, text: text.slice(-60) });
      if (length === answer.length && text !== passage) wrong.push({ length, finish, text, notes });
    }
  }
  expect(wrong.slice(0, 3)).toEqual([]);
});

/** `n` characters that make a reader look far, go back, or nest. */
const hostile: Readonly<Record<string, (n: number) => string>> = {
  braces: (n) => "{".repeat(n),
  "objects in objects": (n) => '{"a":'.repeat(n / 5),
  "keys never closed": (n) => '{"'.repeat(n / 2),
  quotes: (n) => `{"hard_negative_document": "${'"'.repeat(n)}`,
  "quotes and commas": (n) => `{"hard_negative_document": "${'","'.repeat(n / 3)}`,
  "quotes far apart": (n) => `{"hard_negative_document": "${`"${" ".repeat(99)}`.repeat(n / 100)}`,
  "almost keys": (n) => `{"hard_negative_document": "${'", "a b c d e f g h i j k l m n o p'.repeat(n / 35)}`,
  backslashes: (n) => `{"hard_negative_document": "${"\\".repeat(n)}`,
  spaces: (n) => `{${" ".repeat(n)}`,
  "bold never closed": (n) => `{"hard_negative_document": "${"**a".repeat(n / 3)}"}`,
  "tags never closed": (n) => `{"hard_negative_document": "${"<p a".repeat(n / 4)}"}`,
  "links never closed": (n) => `{"hard_negative_document": "${"[a](".repeat(n / 4)}"}`,
  "nearly talk": (n) => `{"hard_negative_document": "${"this document does not ".repeat(n / 23)}"}`,
  "nearly talk in Chinese": (n) => `{"hard_negative_document": "${"以下是文这".repeat(n / 5)}"}`,
  thoughts: (n) => "<think>".repeat(n / 7),
  "thoughts ended": (n) => "</think>".repeat(n / 8),
  "template marks": (n) => "<|im_end|>".repeat(n / 10),
  "single quotes": (n) => `{'a': '${"it's, 'b'".repeat(n / 9)}`,
  "broken objects": (n) => '{"a" "b": x} '.repeat(n / 13),
  "JSON in JSON": (n) => {
    let text = '{"hard_negative_document":"x"}';
    while (text.length < n) text = JSON.stringify({ hard_negative_document: text });
    return text;
  },
  "many keys": (n) => `{${Array.from({ length: n / 14 }, (_, i) => `"k${i}":"v${i}"`).join(",")}}`,
  "prose of colons": (n) => "A line of text here:\n".repeat(n / 21),
  "distinct words": (n) =>
    `{"hard_negative_document": "${Array.from({ length: n / 7 }, (_, i) => `w${i}`).join(" ")}."}`,
};

/** Milliseconds of this process's own work, the least of three: what else the machine does is not counted. */
function least(answer: string): number {
  const once = () => {
    const start = process.cpuUsage();
    for (const reflection of [true, false])
      judgeAnswerText({
        answer,
        finish: "stop",
        reflection,
        query: "when",
        positive: document("It ran."),
        similar: [],
      });
    return process.cpuUsage(start).user / 1000;
  };
  return Math.min(once(), once(), once());
}

test.each(Object.entries(hostile))("%s: eight times the text, not sixty-four times the work", (_name, make) => {
  const [short, long] = [least(make(12_000)), least(make(96_000))];
  // In proportion it is 8; a square would be 64, and ten thousand million steps. Half a second is no attack.
  expect(long < 500 || long / short < 40).toBe(true);
});

test("jsonrepair, which is not linear, sees two short pieces of an answer at the most", () => {
  const repair = vi.mocked(repairing.jsonrepair);
  const seen: number[] = [];
  for (const make of Object.values(hostile)) {
    for (const answer of [make(3000), make(96_000)]) {
      repair.mockClear();
      readJson(answer, "stop", () => false);
      seen.push(repair.mock.calls.length);
      expect(Math.max(0, ...repair.mock.calls.map(([text]) => text.length))).toBeLessThanOrEqual(20_000);
    }
  }
  expect([Math.min(...seen), Math.max(...seen)]).toEqual([0, 2]);
});

test("of a million characters no more than the first hundred thousand are looked at", () => {
  const passage = cases.find(({ name }) => name === "good plain answer");
  const answer = `${" ".repeat(100_000)}${passage?.answer ?? ""}`;
  expect(readJson(answer, "stop")).toBeUndefined();
  expect(readJson(answer.slice(1000), "stop")?.value).toBeDefined();
});
