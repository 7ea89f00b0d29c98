import { afterAll, beforeAll, expect, test } from "vitest";
import { infonce as infonceLoss } from "../../src/kernels/infonce/infonce.ts";
import { scoresBackward, scoresForward } from "../../src/kernels/scores/scores.ts";
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
      sides: touching.sides,
      others: touching.others,
      // Not read without hardness.
      roles: new Int32Array(pairs).fill(1),
    },
    outputs: { score: pairs, loss: B, coefficient: 2 * pairs, dembedding: S * H },
    dispatches: (at) => [
      scoresForward(
        {
          score: at("score"),
          embedding: at("embedding"),
          queries: at("queries"),
          offsets: at("offsets"),
          candidates: at("candidates"),
        },
        { H },
      ),
      infonceLoss(
        {
          loss: at("loss"),
          coefficient: at("coefficient"),
          score: at("score"),
          offsets: at("offsets"),
          roles: at("roles"),
        },
        { temperature, hardness: 0, share: 1, adds: false },
      ),
      scoresBackward(
        {
          dembedding: at("dembedding"),
          embedding: at("embedding"),
          coefficient: at("coefficient"),
          touching: { offsets: at("touchingOffsets"), sides: at("sides"), others: at("others") },
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
  expect(() => touchingPairs({ ...batch, candidates: batch.candidates.map(() => 5) })).toThrow(/one of 5 vectors/);
  expect(() => touchingPairs({ ...batch, offsets: Int32Array.of(0, 0, 5) })).toThrow(/no candidate/);
});

test("where the positive is all but certain, loss and derivatives keep their digits", async () => {
  const temperature = 0.05;
  // z of the positive is 12, 14 and 16 above those of its negatives: it has all but 1e-5 to 4e-7 of the softmax.
  const score = Float32Array.of(0.9, 0.3, 0.29, 0.9, 0.2, 0.19, 0.9, 0.1, 0.05);
  const offsets = Int32Array.of(0, 3, 6, 9);
  const out = await bench.run({
    counts: { B: 3 },
    inputs: { score, offsets, roles: new Int32Array(9) },
    outputs: { loss: 3, coefficient: 18 },
    dispatches: (at) => [
      infonceLoss(
        {
          loss: at("loss"),
          coefficient: at("coefficient"),
          score: at("score"),
          offsets: at("offsets"),
          roles: at("roles"),
        },
        { temperature, hardness: 0, share: 1, adds: false },
      ),
    ],
  });
  for (const b of [0, 1, 2]) {
    const z = [...score.subarray(3 * b, 3 * b + 3)].map((s) => s / temperature);
    const weights = z.slice(1).map((value) => Math.exp(value - (z[0] ?? NaN)));
    const others = weights.reduce((sum, weight) => sum + weight, 0);
    expect((out["loss"]?.[b] ?? NaN) / Math.log1p(others)).toBeCloseTo(1, 5);
    const shares = [-others, ...weights].map((share) => share / (1 + others) / (temperature * 3));
    shares.forEach((share, j) => expect((out["coefficient"]?.[6 * b + 2 * j] ?? NaN) / share).toBeCloseTo(1, 5));
  }
});
