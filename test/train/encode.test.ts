import { expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { Model, PackedTexts } from "../../src/domain/engine.ts";
import type { Progress } from "../../src/domain/stages.ts";
import { encode, encodeTexts } from "../../src/train/encode.ts";
import { shape } from "./tiny.ts";

/** Two numbers a text: its first token and its length. Notes the tokens of each call. */
function fakeModel() {
  const tokens: number[] = [];
  const model: Pick<Model, "shape" | "embed"> = {
    shape: { ...shape, hidden: 2 },
    async embed({ tokenIds, cuSeqlens }: PackedTexts) {
      tokens.push(tokenIds.length);
      const starts = [...cuSeqlens.subarray(0, -1)];
      return Float32Array.from(starts.flatMap((at, s) => [tokenIds[at] ?? NaN, (cuSeqlens[s + 1] ?? NaN) - at]));
    },
  };
  return { model: model as Model, tokens };
}

test("vectors come in the order of the texts, whatever their lengths, in batches of at most 4096 tokens", async () => {
  const { model, tokens } = fakeModel();
  const texts = Array.from({ length: 50 }, (_, i) => Array.from({ length: 1 + ((i * 37) % 300) }, () => i));
  const { dimensions, values } = await finish(encode(model, texts));
  expect(dimensions).toBe(2);
  expect([...values]).toEqual(texts.flatMap((text, i) => [i, text.length]));
  expect(Math.max(...tokens)).toBeLessThanOrEqual(4096);
  expect(tokens.reduce((sum, count) => sum + count, 0)).toBe(texts.flat().length);
});

test("texts are tokenized by their kind and keep their order, more than are tokenized at once too", async () => {
  const { model } = fakeModel();
  const tokenize = (text: string, kind: "query" | "document") => [Number(text), ...(kind === "query" ? [0] : [])];
  const numbers = Array.from({ length: 600 }, (_, i) => (i * 7) % 601);
  const read = (texts: readonly string[], kind: "query" | "document") => encodeTexts({ model, tokenize }, texts, kind);
  const reports: Progress[] = [];
  const vectors = await finish(read(numbers.map(String), "query"), (report) => reports.push(report));
  expect([...vectors.values]).toEqual(numbers.flatMap((n) => [n, 2]));
  expect(reports).toEqual([256, 512, 600].map((done) => ({ done, total: 600, unit: "texts" })));
  expect((await finish(read(["3"], "document"))).values).toEqual(Float32Array.of(3, 1));
  expect((await finish(read([], "query"))).values).toHaveLength(0);
});

test("with two ahead, two batches are under way at once and no more, and the vectors are the same", async () => {
  const { model } = fakeModel();
  const texts = Array.from({ length: 90 }, (_, i) => Array.from({ length: 200 + (i % 7) }, () => i));
  const alone = await finish(encode(model, texts));
  let [now, most] = [0, 0];
  const watched: Model = {
    ...model,
    async embed(packed) {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 1));
      now--;
      return model.embed(packed);
    },
  };
  expect(await finish(encode(watched, texts, 2))).toEqual(alone);
  expect(most).toBe(2);
  await finish(encode(watched, texts));
  expect(now).toBe(0);
});
