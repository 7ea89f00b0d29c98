import { afterAll, beforeAll, expect, test } from "vitest";
import { infonceBackward, infonceForward } from "../../src/kernels/infonce/infonce.ts";
import { touchingPairs } from "../../src/train/webgpu/pairs.ts";
import { infonce, infonceGradient } from "../reference/infonce.ts";
import { normalise } from "../reference/pooling.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

/** Each query b of texts 0 … B - 1 has `lengths[b]` candidates among S texts, some more than once, one of them a query. */
function batchOf(lengths: readonly number[], S: number) {
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, b) => (offsets[b + 1] = (offsets[b] ?? 0) + length));
  const candidates = Int32Array.from({ length: offsets.at(-1) ?? 0 }, (_, i) => (i * i + 3 * i + 1) % S);
  const texts = { tokenIds: new Int32Array(S), cuSeqlens: Int32Array.from({ length: S + 1 }, (_, s) => s) };
  return { texts, queries: Int32Array.from(lengths.keys()), offsets, candidates };
}

test.each([
  { lengths: [1], S: 2, H: 1, temperature: 1 },
  { lengths: [3, 1, 7], S: 9, H: 33, temperature: 0.05 },
  { lengths: [65, 129, 2], S: 33, H: 7, temperature: 0.02 },
])("forward and backward at %o", async ({ lengths, S, H, temperature }) => {
  const batch = batchOf(lengths, S);
  const touching = touchingPairs(batch);
  const embedding = normalise(normals(S * H, "e"), H).map(Math.fround);
  const [B, pairs] = [lengths.length, batch.candidates.length];
  const out = await bench.run({
    counts: { S, B },
    inputs: {
      embedding,
      queries: batch.queries,
      offsets: batch.offsets,
      candidates: batch.candidates,
      touchingOffsets: touching.offsets,
      pairs: touching.pairs,
      others: touching.others,
    },
    outputs: { loss: B, coefficient: pairs, dembedding: S * H },
    dispatches: (at) => [
      infonceForward(
        {
          loss: at("loss"),
          coefficient: at("coefficient"),
          embedding: at("embedding"),
          queries: at("queries"),
          offsets: at("offsets"),
          candidates: at("candidates"),
        },
        { H, temperature },
      ),
      infonceBackward(
        {
          dembedding: at("dembedding"),
          embedding: at("embedding"),
          coefficient: at("coefficient"),
          touching: { offsets: at("touchingOffsets"), pairs: at("pairs"), others: at("others") },
        },
        { H },
      ),
    ],
  });
  expect(error(out["loss"], infonce(embedding, batch, H, temperature))).toBeLessThan(1e-5);
  expect(error(out["dembedding"], infonceGradient(embedding, batch, H, temperature))).toBeLessThan(1e-5);
});

test("the reference's gradient is its derivative", () => {
  const batch = batchOf([3, 2], 5);
  const e = normalise(normals(15, "e"), 3);
  const numeric = differences((v) => infonce(v, batch, 3, 0.2), e, Float64Array.of(0.5, 0.5));
  expect(error(numeric, infonceGradient(e, batch, 3, 0.2))).toBeLessThan(1e-7);
});

test("a batch whose indices do not fit together is refused", () => {
  const batch = batchOf([3, 2], 5);
  expect(() => touchingPairs({ ...batch, candidates: batch.candidates.map(() => 5) })).toThrow(/one of 5 texts/);
  expect(() => touchingPairs({ ...batch, offsets: Int32Array.of(0, 0, 5) })).toThrow(/no candidate/);
});
