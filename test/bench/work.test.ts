import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { madeUpTokens, madeUpWeights } from "../../bench/numbers.ts";
import { grouped, rowOfText } from "../../bench/padding.ts";
import { batchesOf, parametersOf, shapeOf, type Batch } from "../../bench/work.ts";

describe("numbers that PyTorch makes too", () => {
  test("token ids and weights are those of bench/torch_work.py, by numpy", () => {
    expect([...madeUpTokens("small", 8, 512)]).toEqual([90, 0, 372, 417, 52, 32, 314, 261]);
    const shape = shapeOf("1x32");
    const values = new Map(parametersOf(shape, madeUpWeights(shape)).map(({ name, values }) => [name, [...values]]));
    const near = (name: string, from: number, to: number | undefined, expected: readonly number[]) =>
      expect(values.get(name)?.slice(from, to)).toEqual(expected.map(Math.fround));
    near("embeddings.word", 0, 3, [0.03578098118305206, 0.14511282742023468, 0.2309562861919403]);
    near("layer.0.attention.norm.weight", 0, 2, [0.7504093050956726, 1.0047297477722168]);
    near("layer.0.attention.qkv.bias", -2, undefined, [-0.23957213759422302, -0.09691061824560165]);
    near("layer.0.output.weight", -1, undefined, [-0.007883870974183083]);
  });

  test("a batch lists every document as a candidate of every query, the positive first", () => {
    const [batch] = batchesOf({ kind: "real", queries: 3, count: 1, vocabulary: 100 });
    const { queries, offsets, candidates, texts } = batch?.contrastive ?? {};
    expect([...(queries ?? [])]).toEqual([0, 1, 2]);
    expect([...(offsets ?? [])]).toEqual([0, 6, 12, 18]);
    expect([...(candidates ?? [])].slice(6, 12)).toEqual([5, 3, 4, 6, 7, 8]);
    // The first three rows of bench/lengths.json.
    const lengths = [15, 44, 15, 172, 230, 256, 256, 87, 127];
    expect([...(texts?.cuSeqlens ?? [])].slice(1).map((end, s) => end - (texts?.cuSeqlens[s] ?? 0))).toEqual(lengths);
  });
});

const batchWith = (lengths: readonly number[]): Batch => ({
  queries: 1,
  texts: lengths.map((length) => new Int32Array(length).fill(1)),
  tokens: lengths.reduce((sum, length) => sum + length, 0),
  contrastive: {
    texts: { tokenIds: new Int32Array(), cuSeqlens: new Int32Array() },
    queries: new Int32Array(),
    offsets: new Int32Array(),
    candidates: new Int32Array(),
  },
});

/** Places of the best division into `groups` runs of sorted lengths, by trying all. */
function fewestPlaces(sorted: readonly number[], groups: number): number {
  if (sorted.length === 0) return 0;
  const all = Math.ceil((sorted.at(-1) ?? 0) / 16) * 16 * sorted.length;
  if (groups === 1) return all;
  const divided = sorted.map(
    (_, cut) => fewestPlaces(sorted.slice(0, cut), groups - 1) + fewestPlaces(sorted.slice(cut), 1),
  );
  return Math.min(all, ...divided);
}

describe("padding", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 2, maxLength: 7 });

  test("every text stands once, whole, where rowOfText says", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 4 }), (lengths, count) => {
        const groups = grouped(batchWith(lengths), count);
        const rows = groups.flatMap(({ texts, length, mask }) =>
          texts.map((text, row) => ({ text, tokens: mask.slice(row * length, (row + 1) * length) })),
        );
        expect([...rowOfText(groups)].map((row) => rows[row]?.text)).toEqual(lengths.map((_, text) => text));
        for (const { text, tokens } of rows) expect(tokens.reduce((sum, one) => sum + one, 0)).toBe(lengths[text]);
      }),
    );
  });

  test("no division into so many groups has fewer places", () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 4 }), (lengths, count) => {
        fc.pre(new Set(lengths).size > 1);
        const groups = grouped(batchWith(lengths), count);
        const places = groups.reduce((sum, { ids }) => sum + ids.length, 0);
        expect(groups.length).toBeLessThanOrEqual(count);
        expect(places).toBe(
          fewestPlaces(
            lengths.toSorted((a, b) => a - b),
            count,
          ),
        );
      }),
    );
  });

  test("texts of one length have no padding at all", () => {
    const groups = grouped(batchWith([21, 21, 21]), 3);
    expect(groups.map(({ length, padded }) => ({ length, padded }))).toEqual([{ length: 21, padded: false }]);
  });
});
