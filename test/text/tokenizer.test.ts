import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer, UnreadableTokenizer } from "../../src/text/tokenizer.ts";

interface Expected {
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const fixture = (name: string) => readFileSync(new URL(`../fixtures/tokenizer/${name}`, import.meta.url), "utf8");
const expected = JSON.parse(fixture("expected-ids.json")) as Expected;
const bert = createTokenizer({ tokenizer: fixture("tokenizer.json") });

test.each(expected.cases.map(({ text, ids }) => [JSON.stringify(text).slice(0, 50), text, ids] as const))(
  "the ids of Python's tokenizers for %s",
  (_, text, ids) => {
    expect(bert.encode(text, 1_000_000)).toEqual(ids);
  },
);

test("a long text keeps its first tokens and both special tokens", () => {
  const all = bert.encode("the quick ".repeat(500), 5000);
  for (const most of [3, 4, 17, 128, 999]) {
    expect(bert.encode("the quick ".repeat(500), most)).toEqual([...all.slice(0, most - 1), 102]);
  }
});

test("reading only the start of a long text changes nothing", () => {
  const words = Array.from({ length: 4000 }, (_, i) => ["naïve", "the", "x".repeat(i % 130), "中", "don't"][i % 5]);
  const text = words.join(" ");
  const all = bert.encode(text, 1_000_000);
  for (const most of [8, 64, 250]) expect(bert.encode(text, most)).toEqual([...all.slice(0, most - 1), 102]);
});

test("a word of a megabyte is one unknown token", () => {
  expect(bert.encode("x".repeat(1_000_000), 64)).toEqual([101, 100, 102]);
});

test.each([
  ["not JSON", "{"],
  ["no model", "{}"],
  ["an unknown model", `{"model":{"type":"Nonsense","vocab":{}}}`],
  ["null", "null"],
])("refuses a tokenizer.json that is %s", (_, tokenizer) => {
  expect(() => createTokenizer({ tokenizer })).toThrow(UnreadableTokenizer);
});
