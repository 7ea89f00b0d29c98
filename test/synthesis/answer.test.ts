import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnswer } from "../../src/synthesis/answer.ts";
import { readJson } from "../../src/synthesis/readJson.ts";
import { cases, judge } from "./fixtures.ts";

describe("every committed answer gets its verdict", () => {
  test("they are many", () => {
    expect(cases.length).toBeGreaterThan(300);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  test.each(cases.map((item) => [item.name, item] as const))("%s", (_name, item) => {
    const { outcome, notes, text } = judge(item);
    expect([outcome, notes[0]?.flaw]).toEqual([item.expect, item.flaw]);
    if (outcome !== "rejected") expect(text).toBe(item.text);
  });
});

describe("what an answer holds beside the passage", () => {
  const passage = "Harbour Vance is the largest town of the islands and handles most of their trade.";
  const sentences = { answer_because: "It names it.", shares: "Both are towns.", lacks: "It names another." };
  const read = (members: unknown, reflection = true) => readAnswer(JSON.stringify(members), "stop", { reflection });

  test("the reflection is kept, cleaned, when all three sentences are there", () => {
    const { passage: kept, notes } = read({
      ...sentences,
      lacks: "It\u0000 **names** another.",
      hard_negative_document: passage,
    });
    expect(kept?.reasoning).toEqual({
      positive: "It names it.",
      shares: "Both are towns.",
      lacks: "It names another.",
    });
    expect(notes).toEqual([]);
  });

  test.each([
    ["one is missing", { ...sentences, lacks: undefined }],
    ["one is empty", { ...sentences, lacks: " " }],
    ["one is a placeholder", { ...sentences, lacks: "string" }],
    ["one is a list", { ...sentences, lacks: ["It names another."] }],
  ])("it is left out where %s", (_what, members) => {
    const { passage: kept, notes, rejected } = read({ ...members, hard_negative_document: passage });
    expect([kept?.text, kept?.reasoning, rejected]).toEqual([passage, undefined, false]);
    expect(notes).toEqual([{ flaw: "wrongKey", text: "The reflection is missing or not whole." }]);
  });

  test("without reflection none is wanted, and one that is there is kept", () => {
    expect(read({ hard_negative_document: passage }, false).notes).toEqual([]);
    expect(read({ ...sentences, hard_negative_document: passage }, false).passage?.reasoning?.shares).toBe(
      "Both are towns.",
    );
  });

  test("a title is kept as text and shortened", () => {
    const title = (written: string) =>
      read({ ...sentences, title: written, hard_negative_document: passage }).passage?.title;
    expect(title('"Towns of the islands"')).toBe("Towns of the islands");
    expect(title("## Towns")).toBe("Towns");
    expect(title("<title>")).toBe("");
    expect(title("long ".repeat(200))?.length).toBe(299);
    // 300 units end in the middle of the 149th of them.
    expect(title(`Zoo${"😀".repeat(200)}`)).toBe(`Zoo${"😀".repeat(148)}`);
  });
});

describe("reading JSON", () => {
  const value = (answer: string, finish: "stop" | "length" = "stop") => readJson(answer, finish)?.value;

  test("the first that is wanted", () => {
    const answer = 'First {"reason": "a"}, then {"answers": "yes"} and {"answers": "no"}.';
    const wanted = (found: unknown) => typeof found === "object" && found !== null && "answers" in found;
    expect(readJson(answer, "stop", wanted)).toEqual({
      value: { answers: "yes" },
      notes: [{ flaw: "wrapped", text: "Other text stood around the JSON." }],
    });
    expect(readJson("no JSON at all", "stop")).toBeUndefined();
    expect(readJson("", "length")).toBeUndefined();
  });

  test("lists", () => {
    expect(value('Queries: ["one", "two"]')).toEqual(["one", "two"]);
    expect(value('{"queries": ["a "quoted" word", "two",]}')).toEqual({ queries: ['a "quoted" word', "two"] });
    expect(value('{"queries": ["one", "two", "thr', "length")).toEqual({ queries: ["one", "two"] });
  });

  test("names that objects have by birth are plain members", () => {
    for (const answer of ['{"__proto__": {"a": 1}, "constructor": 2}', "{'__proto__': {'a': 1}, 'constructor': 2}"]) {
      const found = value(answer);
      expect(Object.entries(found ?? {})).toEqual([
        ["__proto__", { a: 1 }],
        ["constructor", 2],
      ]);
      expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
    }
  });

  test("nesting of any depth", () => {
    const deep = (open: string, close: string) => `${open.repeat(10_000)}1${close.repeat(10_000)}`;
    for (const answer of [
      deep("[", "]"),
      deep('{"a":', "}"),
      deep("{'a':", "}"),
      deep("[{", "}]"),
      deep("[[{'a':[", ""),
    ])
      expect(() => readJson(answer, "stop", () => false)).not.toThrow();
  });

  test.each([
    ["{a: 1, 'b': True, \"c\": None,}", { a: 1, b: true, c: null }],
    ['{"a": "x" "b": "y"}', { a: "x", b: "y" }],
    ['{"a": "x"\n "b": "y"}', { a: "x", b: "y" }],
    ['{"a": "one\ntwo", "b": "\\q \\alpha \\/ \\u00e9"}', { a: "one\ntwo", b: "\\q \\alpha / é" }],
    ["{“a”：“x”，“b”：2}", { a: "x", b: 2 }],
    ['{"a": {"b": [1, {"c": "d"', { a: { b: [1, { c: "d" }] } }],
    ['{"a": "He said "no", and left", "b": "end"}', { a: 'He said "no", and left', b: "end" }],
    ["{'a': 'it's', 'b': 'o'clock'}", { a: "it's", b: "o'clock" }],
    ['{"a": 1e999, "b": -0.5e-3}', { a: Infinity, b: -0.0005 }],
    ['{\\"a\\": \\"x\\"}', { a: "x" }],
    ['"{\\"a\\": \\"x\\"}"', { a: "x" }],
    ['"a": "x", "b": "y"}', { a: "x", b: "y" }],
  ])("%s", (answer, expected) => {
    expect(value(answer)).toEqual(expected);
  });

  /** Text without the signs that JSON itself uses. */
  const plain = fc.string({
    unit: fc.constantFrom("a", "b", "c", " ", "ä", "字", ".", "?", "-", "1"),
    minLength: 1,
    maxLength: 30,
  });
  const key = fc.stringMatching(/^[a-z]{1,8}_[a-z]{1,8}$/);
  const members = fc.dictionary(key, plain, { minKeys: 1, maxKeys: 5, noNullPrototype: true });

  /** The same object, written in ways that JSON does not allow. */
  const dialects: Readonly<Record<string, (entries: readonly (readonly [string, string])[]) => string>> = {
    Python: (entries) => `{${entries.map(([k, v]) => `'${k}': '${v}'`).join(", ")}}`,
    "bare keys": (entries) => `{${entries.map(([k, v]) => `${k}: "${v}"`).join(", ")}}`,
    "no commas": (entries) => `{${entries.map(([k, v]) => `"${k}": "${v}"`).join("\n")}}`,
    "commas too many": (entries) => `{${entries.map(([k, v]) => `"${k}": "${v}",`).join(" , ")}}`,
    "curly quotes": (entries) => `{${entries.map(([k, v]) => `“${k}”: “${v}”`).join(", ")}}`,
    "quotes inside": (entries) => `{${entries.map(([k, v]) => `"${k}": "${v} "x" ${v}"`).join(", ")}}`,
    "never closed": (entries) => `{${entries.map(([k, v]) => `"${k}": "${v}"`).join(", ")}`,
  };

  test.each(Object.entries(dialects))("any object in this dialect: %s", (name, write) => {
    fc.assert(
      fc.property(members, (object) => {
        const entries = Object.entries(object);
        const expected = name === "quotes inside" ? entries.map(([k, v]) => [k, `${v} "x" ${v}`]) : entries;
        expect(Object.entries(value(write(entries)) ?? {})).toEqual(expected);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test("any JSON, alone and in a fence", () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3 }), (object) => {
        const json = JSON.stringify(object);
        const expected: unknown = JSON.parse(json);
        expect(value(json)).toEqual(expected);
        expect(value(`Here:\n\`\`\`json\n${json}\n\`\`\`\n`)).toEqual(expected);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
