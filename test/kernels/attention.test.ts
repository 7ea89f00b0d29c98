import { afterAll, beforeAll, expect, test } from "vitest";
import { dropThreshold } from "../../src/encoder/dropout.ts";
import { indexTexts } from "../../src/encoder/webgpu/texts.ts";
import { bucketsByDistance } from "../../src/encoder/distance.ts";
import { attentionBackward, attentionBiasBackward, attentionForward } from "../../src/kernels/attention/attention.ts";
import { distanceBackward, distanceForward } from "../../src/kernels/distance/distance.ts";
import { at } from "../reference/at.ts";
import {
  attention,
  attentionGradient,
  biasGradient,
  byBucket,
  byDistance,
  factor,
  type Dropping,
} from "../reference/attention.ts";
import { pack } from "../support/golden.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

const shape = {
  family: "bert",
  layers: 0,
  hidden: 0,
  heads: 0,
  intermediate: 0,
  vocabulary: 1,
  positions: 512,
  types: 1,
  layerNormEpsilon: 0,
} as const;
const textsOf = (lengths: readonly number[]) => pack(lengths.map((length) => Array.from({ length }, () => 0)));

interface Case {
  readonly lengths: readonly number[];
  readonly N: number;
  readonly D: number;
  readonly scale: number;
  readonly window?: number;
  readonly dropout?: Dropping;
}

const dropping = { rate: 0.3, site: 4, seed: 0x9abcdef0, firstToken: 1000 } as const satisfies Dropping;

/** As the kernels take it. */
const asConstants = ({ rate, site }: Dropping) => ({ dropout: { rate, site, threshold: dropThreshold(rate) } });

async function run({ lengths, N, D, scale, window, dropout }: Case) {
  const H = N * D;
  const texts = textsOf(lengths);
  const { T, blocks } = indexTexts(texts, shape);
  const size = { H, N, ...(window !== undefined && { window }), ...(dropout && asConstants(dropout)) };
  const [qkv, dcontext] = [normals(T * 3 * H, "qkv", scale), normals(T * H, "dcontext")];
  const out = await bench.run({
    counts: { T, blocks: blocks.length / 4, ...dropout },
    inputs: { qkv, dcontext, blocks },
    outputs: { context: T * H, logSumExp: T * N, delta: T * N, dqkv: T * 3 * H },
    dispatches: (at) => {
      const tensors = {
        counts: at("counts"),
        context: at("context"),
        logSumExp: at("logSumExp"),
        qkv: at("qkv"),
        blocks: at("blocks"),
      };
      return [
        attentionForward(tensors, size),
        ...attentionBackward({ ...tensors, dqkv: at("dqkv"), dcontext: at("dcontext"), delta: at("delta") }, size),
      ];
    },
  });
  const truth = { H, N, window, dropout, cuSeqlens: texts.cuSeqlens };
  return { out, truth: attention(qkv, truth), dqkv: attentionGradient(qkv, dcontext, truth) };
}

test.each([
  { lengths: [1], N: 1, D: 8, scale: 1 },
  { lengths: [7, 1, 33, 2], N: 3, D: 12, scale: 1 },
  { lengths: [65, 31, 32], N: 2, D: 32, scale: 1 },
  { lengths: [129], N: 1, D: 33, scale: 1 },
  { lengths: [70, 3], N: 2, D: 24, scale: 1 },
  { lengths: [34, 7], N: 3, D: 6, scale: 1 },
  { lengths: [40], N: 2, D: 100, scale: 1 },
  { lengths: [5, 40], N: 2, D: 128, scale: 1 },
  { lengths: [17, 64], N: 1, D: 64, scale: 4 },
])("forward and backward at %o", async (given) => {
  const { out, truth, dqkv } = await run(given);
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["logSumExp"], truth.logSumExp)).toBeLessThan(1e-5);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test("a text of the greatest length", async () => {
  const { out, truth, dqkv } = await run({ lengths: [512], N: 1, D: 8, scale: 1 });
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test.each([
  { lengths: [1, 7, 33], N: 3, D: 12, scale: 1, window: 1 },
  { lengths: [129, 5, 64], N: 2, D: 8, scale: 1, window: 4 },
  // Far keys that would outweigh the near ones by e to the hundreds.
  { lengths: [130], N: 1, D: 33, scale: 4, window: 40 },
  { lengths: [65, 31], N: 2, D: 32, scale: 1, window: 64 },
])("a window on each side: %o", async (given) => {
  const { out, truth, dqkv } = await run(given);
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["logSumExp"], truth.logSumExp)).toBeLessThan(1e-5);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test.each([
  { lengths: [7, 33, 2], N: 3, D: 12, scale: 1, dropout: dropping },
  { lengths: [65, 31], N: 2, D: 32, scale: 1, dropout: { ...dropping, rate: 0.1 } },
  { lengths: [129, 5], N: 1, D: 33, scale: 1, dropout: dropping },
  { lengths: [70], N: 2, D: 8, scale: 1, window: 9, dropout: dropping },
])("dropout: %o", async (given) => {
  const { out, truth, dqkv } = await run(given);
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["logSumExp"], truth.logSumExp)).toBeLessThan(1e-5);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test("texts apart drop what they drop together, and another seed drops others", async () => {
  const given = { N: 2, D: 8, scale: 1, dropout: dropping };
  const together = (await run({ ...given, lengths: [40, 9] })).out["context"];
  const first = (await run({ ...given, lengths: [40] })).out["context"];
  const other = (await run({ ...given, lengths: [40], dropout: { ...dropping, seed: 5 } })).out["context"];
  expect(first).toEqual(together?.subarray(0, 40 * 16));
  expect(other).not.toEqual(first);
});

test("the share of weights that are dropped is the rate, and no weight's is tied to its neighbours'", () => {
  const side = 300;
  const rows = Array.from({ length: 2 * side }, (_, i) => ({ head: i % 2, t: i >> 1 }));
  const drops = rows.map((query) =>
    Array.from({ length: side }, (_, j) => (factor({ dropout: dropping }, query, j) === 0 ? 1 : 0)),
  );
  const all = drops.flat();
  const share = (of: readonly number[]) => of.reduce((sum: number, drop) => sum + drop, 0) / of.length;
  // 180,000 draws: a standard deviation is 0.0011, of pairs 0.0007.
  expect(share(all)).toBeCloseTo(0.3, 2);
  for (const away of [1, 2, side, 2 * side]) {
    expect(share(all.slice(away).map((drop, i) => drop * (all[i] ?? 0)))).toBeCloseTo(0.09, 2);
  }
});

interface BiasedCase {
  readonly lengths: readonly number[];
  readonly heads: readonly [N: number, D: number];
  readonly reach: number;
  readonly dropout?: Dropping;
}

/** Attention of two layers that share a table of biases: the second on the way back adds to what the first left. */
async function runBiased({ lengths, heads: [N, D], reach, dropout }: BiasedCase) {
  const [H, entries] = [N * D, 32];
  const size = { H, N, reach, ...(dropout && asConstants(dropout)) };
  const texts = textsOf(lengths);
  const { T, blocks } = indexTexts(texts, shape);
  const B = blocks.length / 4;
  const buckets = bucketsByDistance(reach, entries);
  const [qkv, dcontext] = [normals(T * 3 * H, "qkv"), normals(T * H, "dcontext")];
  const [table, other] = [normals(entries * N, "table", 2), normals(T * 3 * H, "other")];
  const out = await bench.run({
    counts: { T, blocks: B, ...dropout },
    inputs: { qkv, other, dcontext, blocks, table, buckets },
    outputs: {
      bias: N * (2 * reach - 1),
      context: T * H,
      logSumExp: T * N,
      delta: T * N,
      dqkv: T * 3 * H,
      partial: B * entries * N,
      dtable: entries * N,
    },
    dispatches: (at) => {
      const layer = (qkv: "qkv" | "other", adds: boolean) => {
        const forward = {
          counts: at("counts"),
          context: at("context"),
          logSumExp: at("logSumExp"),
          qkv: at(qkv),
          blocks: at("blocks"),
          bias: at("bias"),
        };
        const backward = { ...forward, dqkv: at("dqkv"), dcontext: at("dcontext") };
        const gradient = { ...backward, delta: at("delta"), buckets: at("buckets"), partial: at("partial") };
        return [
          attentionForward(forward, size),
          ...attentionBackward({ ...backward, delta: at("delta") }, size),
          attentionBiasBackward(gradient, { ...size, buckets: entries, adds }),
        ];
      };
      return [
        distanceForward({ bias: at("bias"), table: at("table"), buckets: at("buckets") }, { N, reach }),
        ...layer("other", false),
        ...layer("qkv", true),
        distanceBackward(
          { dtable: at("dtable"), counts: at("counts"), partial: at("partial") },
          { N, buckets: entries },
        ),
      ];
    },
  });
  const bias = { values: byDistance(table, buckets, N), reach };
  const truth = { H, N, cuSeqlens: texts.cuSeqlens, bias, dropout };
  const [one, two] = [biasGradient(qkv, dcontext, truth), biasGradient(other, dcontext, truth)];
  const byDistances = one.map((value, i) => value + at(two, i));
  return {
    out,
    bias,
    truth: attention(qkv, truth),
    dqkv: attentionGradient(qkv, dcontext, truth),
    dtable: byBucket(byDistances, buckets, entries),
  };
}

test.each([
  { lengths: [1], heads: [1, 8], reach: 1 },
  { lengths: [7, 1, 33, 2], heads: [3, 12], reach: 40 },
  { lengths: [170, 31], heads: [2, 8], reach: 170 },
  { lengths: [34, 5], heads: [2, 6], reach: 34 },
  { lengths: [37, 6], heads: [2, 8], reach: 40, dropout: dropping },
] as const)("a bias by distance: %o", async (given) => {
  const { out, bias, truth, dqkv, dtable } = await runBiased(given);
  expect(error(out["bias"], bias.values)).toBe(0);
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["logSumExp"], truth.logSumExp)).toBeLessThan(1e-5);
  // Of a single token there is nothing to choose from, so nothing but the value has a gradient.
  if (given.lengths.length > 1) expect(error(out["dtable"], dtable)).toBeLessThan(2e-5);
  else expect(out["dtable"]?.every((value) => Math.abs(value) < 1e-6)).toBe(true);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test("a table of buckets by distance, and back", () => {
  const buckets = bucketsByDistance(3, 8);
  expect([...buckets]).toEqual([2, 1, 0, 5, 6]);
  expect([
    ...byDistance(
      Float64Array.from({ length: 16 }, (_, i) => i),
      buckets,
      2,
    ),
  ]).toEqual([4, 2, 0, 10, 12, 5, 3, 1, 11, 13]);
  expect([...byBucket(Float64Array.of(1, 2, 4, 8, 16), buckets, 8)]).toEqual([4, 2, 1, 0, 0, 8, 16, 0]);
});

test("the reference's gradients are its derivatives", () => {
  const [qkv, dcontext] = [normals(60, "qkv"), normals(20, "d")];
  const bias = { values: normals(2 * 7, "bias"), reach: 4 };
  const plain = { H: 4, N: 2, cuSeqlens: [0, 1, 5] };
  for (const size of [plain, { ...plain, bias }, { ...plain, window: 1 }, { ...plain, dropout: dropping }]) {
    const numeric = differences((v) => attention(v, size).context, qkv, dcontext);
    expect(error(numeric, attentionGradient(qkv, dcontext, size))).toBeLessThan(1e-8);
  }
  for (const size of [
    { ...plain, bias },
    { ...plain, bias, dropout: dropping },
  ]) {
    const numeric = differences(
      (values) => attention(qkv, { ...size, bias: { ...bias, values } }).context,
      bias.values,
      dcontext,
    );
    expect(error(numeric, biasGradient(qkv, dcontext, size))).toBeLessThan(1e-8);
  }
});
