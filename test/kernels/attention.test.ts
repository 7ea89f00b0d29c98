import { afterAll, beforeAll, expect, test } from "vitest";
import { indexTexts } from "../../src/encoder/webgpu/texts.ts";
import { attentionBackward, attentionForward } from "../../src/kernels/attention/attention.ts";
import { attention, attentionGradient } from "../reference/attention.ts";
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

async function run(lengths: readonly number[], N: number, D: number, scale: number) {
  const H = N * D;
  const texts = textsOf(lengths);
  const { T, blocks } = indexTexts(texts, shape);
  const [qkv, dcontext] = [normals(T * 3 * H, "qkv", scale), normals(T * H, "dcontext")];
  const out = await bench.run({
    counts: { T, blocks: blocks.length / 2 },
    inputs: { qkv, dcontext, cuSeqlens: texts.cuSeqlens, blocks },
    outputs: { context: T * H, logSumExp: T * N, delta: T * N, dqkv: T * 3 * H },
    dispatches: (at) => {
      const tensors = {
        context: at("context"),
        logSumExp: at("logSumExp"),
        qkv: at("qkv"),
        cuSeqlens: at("cuSeqlens"),
        blocks: at("blocks"),
      };
      return [
        attentionForward(tensors, { H, N }),
        ...attentionBackward(
          { ...tensors, dqkv: at("dqkv"), counts: at("counts"), dcontext: at("dcontext"), delta: at("delta") },
          { H, N },
        ),
      ];
    },
  });
  const size = { H, N, cuSeqlens: texts.cuSeqlens };
  return { out, truth: attention(qkv, size), dqkv: attentionGradient(qkv, dcontext, size) };
}

test.each([
  { lengths: [1], N: 1, D: 8, scale: 1 },
  { lengths: [7, 1, 33, 2], N: 3, D: 12, scale: 1 },
  { lengths: [65, 31, 32], N: 2, D: 32, scale: 1 },
  { lengths: [129], N: 1, D: 33, scale: 1 },
  { lengths: [5, 40], N: 2, D: 128, scale: 1 },
  { lengths: [17, 64], N: 1, D: 64, scale: 4 },
])("forward and backward at %o", async ({ lengths, N, D, scale }) => {
  const { out, truth, dqkv } = await run(lengths, N, D, scale);
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["logSumExp"], truth.logSumExp)).toBeLessThan(1e-5);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test("a text of the greatest length", async () => {
  const { out, truth, dqkv } = await run([512], 1, 8, 1);
  expect(error(out["context"], truth.context)).toBeLessThan(1e-5);
  expect(error(out["dqkv"], dqkv)).toBeLessThan(2e-5);
});

test("the reference's gradient is its derivative", () => {
  const size = { H: 4, N: 2, cuSeqlens: [0, 1, 4] };
  const [qkv, dcontext] = [normals(48, "qkv"), normals(16, "d")];
  const numeric = differences((v) => attention(v, size).context, qkv, dcontext);
  expect(error(numeric, attentionGradient(qkv, dcontext, size))).toBeLessThan(1e-8);
});
