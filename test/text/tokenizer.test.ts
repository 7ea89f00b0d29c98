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

test("without special tokens: the same ids without the first and the last, cut to the length", () => {
  const bare = createTokenizer({ tokenizer: fixture("tokenizer.json"), specials: false });
  for (const { text, ids } of expected.cases) {
    const inner = ids.slice(1, -1);
    expect(bare.encode(text, 1_000_000)).toEqual(inner.length > 0 ? inner : [100]);
    expect(bare.encode(text, 3)).toEqual(inner.length > 0 ? inner.slice(0, 3) : [100]);
  }
  expect(expected.cases.some(({ ids }) => ids.length === 2)).toBe(true);
});

test("a text without a token is the unknown one, by whichever name the model has it; else entry 0", () => {
  const parts = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  const of = (model: object, truncation: unknown = null) =>
    createTokenizer({ tokenizer: JSON.stringify({ ...parts, model, truncation }), specials: false });
  const vocab = { a: 0, b: 1, "[U]": 2 };
  expect(of({ type: "WordPiece", unk_token: "[U]", continuing_subword_prefix: "##", vocab }).encode("", 9)).toEqual([
    2,
  ]);
  expect(of({ type: "BPE", merges: [], vocab }).encode("", 9)).toEqual([0]);
  const unigram = {
    type: "Unigram",
    unk_id: 1,
    vocab: [
      ["a", -1],
      ["<unk>", 0],
    ],
  };
  expect(of(unigram).encode("", 9)).toEqual([1]);
  expect(of(unigram).limit).toBeUndefined();
  expect(of(unigram, { max_length: 12, direction: "Right" }).limit).toBe(12);
  expect(of(unigram, { max_length: -1 }).limit).toBeUndefined();
});

test.each([
  ["not JSON", "{"],
  ["no model", "{}"],
  ["an unknown model", `{"model":{"type":"Nonsense","vocab":{}}}`],
  ["null", "null"],
])("refuses a tokenizer.json that is %s", (_, tokenizer) => {
  expect(() => createTokenizer({ tokenizer })).toThrow(UnreadableTokenizer);
});

interface Family {
  readonly tokenizer: object;
  readonly cases: Expected["cases"];
}
const others = (JSON.parse(fixture("other-families.json")) as { readonly families: Readonly<Record<string, Family>> })
  .families;

// Byte-level BPE in two forms, and Unigram: what the tokenizers of the other families of encoders are made of.
test.each(Object.entries(others))("the ids of Python's tokenizers, %s", (_, { tokenizer, cases }) => {
  const own = createTokenizer({ tokenizer: JSON.stringify(tokenizer) });
  for (const { text, ids } of cases) {
    expect(own.encode(text, 1_000_000), JSON.stringify(text)).toEqual(ids);
    // Cut, the special tokens stay.
    expect(own.encode(text, 4)).toEqual(ids.length > 4 ? [...ids.slice(0, 3), ids.at(-1)] : ids);
  }
  expect(cases.length).toBeGreaterThan(10);
});
