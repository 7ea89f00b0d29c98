/** ONNX Runtime in WebAssembly beside the CPU engine. */
import { describe, expect, test } from "vitest";
import { compareOnnx, OnnxDiffers, OnnxUnchecked } from "../../src/export/onnx/compare.ts";
import { checkSize, onnxFile, OnnxTooLarge, type Precision } from "../../src/export/onnx/file.ts";
import { openSession } from "../../src/export/onnx/runtime.ts";
import type { OpenFolder } from "../../src/encoder/folder.ts";
import { engineReference, onnxFamilies, openFamily, someTexts } from "../support/onnx.ts";

const fileOf = ({ card: { shape }, table, weights }: OpenFolder, precision: Precision) =>
  onnxFile({ shape, table, weights, precision });

describe.each(onnxFamilies)("%s", (family) => {
  test("computes the engine's vectors in 32, 16 and 8 bits", async () => {
    const opened = openFamily(family);
    const reference = await engineReference(opened, someTexts(32));
    for (const precision of ["f32", "f16", "int8"] as const) {
      const { texts, worst, mean } = await compareOnnx(fileOf(opened, precision), reference);
      expect(texts).toBe(32);
      expect(mean).toBeGreaterThanOrEqual(worst);
      if (precision === "f32") expect(worst).toBeGreaterThan(0.999999);
    }
  });

  test("is as long as it says, and the same at every call", () => {
    for (const precision of ["f32", "f16", "int8"] as const) {
      const file = fileOf(openFamily(family), precision);
      const [first, second] = [Buffer.concat([...file.chunks()]), Buffer.concat([...file.chunks()])];
      expect(first.length).toBe(file.length);
      expect(first.equals(second)).toBe(true);
    }
  });
});

test.each(["bert", "modernbert"] as const)("%s's first token is the engine's too", async (family) => {
  const opened = openFamily(family, "cls");
  const reference = await engineReference(opened, someTexts(9));
  expect((await compareOnnx(fileOf(opened, "f32"), reference)).worst).toBeGreaterThan(0.999999);
});

/** The tokens of a text of the ids 2, 7, 9, 6, 3 with padding before or after it. */
async function padded(opened: OpenFolder, side: "left" | "right"): Promise<number[]> {
  const [text, padding] = [
    [2n, 7n, 9n, 6n, 3n],
    [1n, 1n, 1n],
  ];
  const row = (own: bigint[], more: bigint[]) =>
    BigInt64Array.from(side === "left" ? [...more, ...own] : [...own, ...more]);
  const session = await openSession(Buffer.concat([...fileOf(opened, "f32").chunks()]));
  try {
    const inputs = {
      input_ids: row(text, padding),
      attention_mask: row(
        text.map(() => 1n),
        padding.map(() => 0n),
      ),
    };
    const all = await session.run({ rows: 1, columns: 8, inputs }, "last_hidden_state");
    const H = opened.card.shape.hidden;
    const first = side === "left" ? padding.length : 0;
    return [...all.subarray(first * H, (first + text.length) * H)];
  } finally {
    await session.release();
  }
}

test.each(["roberta", "mpnet"] as const)("%s's positions count no padding, on whichever side it is", async (family) => {
  const opened = openFamily(family);
  const [left, right] = [await padded(opened, "left"), await padded(opened, "right")];
  expect(left.length).toBe(5 * opened.card.shape.hidden);
  left.forEach((value, i) => expect(value).toBeCloseTo(right[i] ?? NaN, 5));
});

test("a token of padding that sees no token of the text has numbers all the same", async () => {
  const opened = openFamily("modernbert");
  const file = Buffer.concat([...fileOf(opened, "f32").chunks()]);
  const session = await openSession(file);
  const columns = 40;
  const inputs = {
    input_ids: new BigInt64Array(columns).fill(7n),
    attention_mask: BigInt64Array.from({ length: columns }, (_, i) => (i < 3 ? 1n : 0n)),
  };
  const tokens = await session.run({ rows: 1, columns, inputs }, "last_hidden_state");
  await session.release();
  expect(tokens.length).toBe(columns * opened.card.shape.hidden);
  expect(tokens.every(Number.isFinite)).toBe(true);
});

test("a static encoder's padding is zeros", async () => {
  const session = await openSession(Buffer.concat([...fileOf(openFamily("static"), "int8").chunks()]));
  const inputs = { input_ids: BigInt64Array.of(7n, 7n), attention_mask: BigInt64Array.of(1n, 0n) };
  const tokens = await session.run({ rows: 1, columns: 2, inputs }, "last_hidden_state");
  await session.release();
  const zero = [...tokens].map((value) => value === 0);
  expect(zero).toEqual([...Array<boolean>(6).fill(false), ...Array<boolean>(6).fill(true)]);
});

test("another encoder's vectors are refused, with the figures", async () => {
  const opened = openFamily("bert");
  const reference = await engineReference(openFamily("distilbert"), someTexts(10));
  const compared = compareOnnx(fileOf(opened, "int8"), { ...reference, shape: opened.card.shape });
  await expect(compared).rejects.toThrow(OnnxDiffers);
  await expect(compared).rejects.toThrow(/of 10 texts, the worst cosine .* is -?\d\.\d+ .* at least 0\.98 /u);
});

test("vectors that are no numbers are refused", async () => {
  const opened = openFamily("static");
  const reference = await engineReference(opened, someTexts(3));
  const compared = compareOnnx(fileOf(opened, "f32"), { ...reference, vectors: reference.vectors.fill(NaN) });
  await expect(compared).rejects.toThrow(OnnxDiffers);
});

test("what the runtime cannot open is said to be unchecked", async () => {
  const reference = await engineReference(openFamily("static"), someTexts(3));
  const broken = { precision: "f32", length: 4, chunks: () => [Uint8Array.of(1, 2, 3, 4)] } as const;
  await expect(compareOnnx(broken, reference)).rejects.toThrow(OnnxUnchecked);
});

test("a file of more than 2 GB is refused, with what may fit", () => {
  expect(() => checkSize(2 ** 31 - 1, "f32")).not.toThrow();
  expect(() => checkSize(2 ** 31, "f32")).toThrow(OnnxTooLarge);
  expect(() => checkSize(2.24e9, "f32")).toThrow("2.24 GB, and such a file ends at 2.15 GB. Export it in 16 or 8 bits");
});
