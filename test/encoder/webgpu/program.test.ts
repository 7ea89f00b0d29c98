/** Programs that train a part of an encoder, add gradients up, make layers again, and carry LoRA. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../../../src/base/random.ts";
import type { BertShape, EncoderShape, ModernBertShape } from "../../../src/domain/encoder.ts";
import type { Lora, Tuning } from "../../../src/domain/engine.ts";
import { parameterTable } from "../../../src/encoder/parameters.ts";
import { adapterRegions, trainedTable, withTrained } from "../../../src/encoder/trained.ts";
import { programOf } from "../../../src/encoder/webgpu/family.ts";
import { at as item, fill, sum } from "../../reference/at.ts";
import { error } from "../../support/kernels.ts";
import {
  bitsOf,
  programBench,
  randomWeights,
  shapeNames,
  shapes,
  type ProgramBench,
  type ProgramOutput,
} from "../../support/program.ts";

let bench: ProgramBench;
beforeAll(async () => {
  bench = await programBench();
}, 120_000);
afterAll(() => {
  bench.dispose();
});

const count = (kernels: readonly string[], kernel: string) =>
  kernels.filter((name) => name.replace(".vec4", "") === kernel).length;

describe.each(shapeNames)("%s", (name) => {
  const shape = shapes[name];
  let full: ProgramOutput;
  beforeAll(async () => {
    full = await bench.run({ shape });
  }, 240_000);

  test("all of it: every region is asked for and written", () => {
    expect([...full.asked].toSorted()).toEqual(Object.keys(full.trained.regions).toSorted());
    for (const [region, values] of Object.entries(full.gradient)) expect(values.some(Number.isNaN), region).toBe(false);
    expect(full.embedding).toEqual(full.embedded);
  });

  test.each([0, 1, 2])(
    "frozen up to layer %i: the same bits in what trains, and nothing else",
    async (frozenLayers) => {
      const frozen = await bench.run({ shape, tuning: { frozenLayers } });
      const regions = Object.keys(frozen.trained.regions);
      expect([...frozen.asked].toSorted()).toEqual(regions.toSorted());
      expect(bitsOf(frozen.gradient, regions)).toEqual(bitsOf(full.gradient, regions));
      expect(regions.length).toBeLessThan(full.asked.size);

      const { backward } = frozen.kernels;
      const layers = shape.layers - frozenLayers;
      expect(count(backward, "linear/backward.weight")).toBe(4 * layers);
      // ModernBERT's first layer has no norm to begin with; the others' train, and want a gradient of their result.
      const withNorm = shape.family === "modernbert" && frozenLayers > 0;
      expect(count(backward, "linear/backward.input")).toBe(4 * layers - (withNorm ? 0 : 1));
      expect(count(backward, "attention/backward.query")).toBe(layers);
      expect(count(backward, "embedding/backward") + count(backward, "attention/backward.bias")).toBe(0);
      expect(frozen.kernels.forward).toEqual(full.kernels.forward);
      if (frozenLayers > 0) expect(frozen.bytes).toBeLessThan(full.bytes);
    },
  );

  test("gradients added up twice are twice the gradients", async () => {
    const twice = await bench.run({ shape, times: 2 });
    for (const [region, values] of Object.entries(full.gradient)) {
      expect(twice.gradient[region], region).toEqual(values.map((value) => 2 * value));
    }
  });
});

test("a static encoder's gradients are added up too", async () => {
  const shape = { family: "static", hidden: 12, vocabulary: 40 } as const;
  const once = await bench.run({ shape });
  const twice = await bench.run({ shape, times: 2 });
  const table = once.gradient["embeddings.word"] ?? new Float32Array();
  expect(table.some((value) => value !== 0)).toBe(true);
  expect(twice.gradient["embeddings.word"]).toEqual(table.map((value) => 2 * value));
});

const lora = { rank: 4, alpha: 8, matrices: ["attention.qkv", "output"] } as const;
const tunings: readonly Tuning[] = [{}, { frozenLayers: 1 }, { lora }];

test.each(shapeNames.flatMap((name) => tunings.map((tuning) => ({ name, tuning }))))(
  "layers made again: the same bits and less memory: %o",
  async ({ name, tuning }) => {
    const shape = shapes[name];
    const adapters = new Float32Array(trainedTable(shape, tuning).floats).map((_, i) => Math.sin(i) / 8);
    const input = { shape, tuning, adapters };
    const kept = await bench.run(input);
    const again = await bench.run({ ...input, recompute: true });
    const regions = Object.keys(kept.trained.regions);
    expect(regions.every((region) => again.gradient[region]?.some((value) => value !== 0))).toBe(true);
    expect(bitsOf(again.gradient, regions)).toEqual(bitsOf(kept.gradient, regions));
    expect(again.bytes).toBeLessThan(kept.bytes);
    expect(again.kernels.backward.length).toBeGreaterThan(kept.kernels.backward.length);
  },
  240_000,
);

/** What one layer more takes, in floats a token. */
function floatsOfLayer(shape: BertShape | ModernBertShape, tuning: Tuning, recompute: boolean): number {
  const T = 640;
  const bytesOf = (of: EncoderShape) => {
    const { step } = programOf(of, "mean", { trained: trainedTable(of, tuning), recompute });
    return [...step.activations({ T, S: 1 }).values()].reduce((sum, { bytes }) => sum + bytes, 0);
  };
  return (bytesOf({ ...shape, layers: shape.layers + 1 }) - bytesOf(shape)) / (4 * T);
}

test("what a layer keeps of a token", () => {
  const { bert, modernbert } = shapes;
  const { hidden: H, intermediate: I, heads: N } = bert;
  // Queries, keys, values; context; both sums and both norms' results; what GELU takes; of each head and of each norm.
  expect(floatsOfLayer(bert, {}, false)).toBe(3 * H + H + 4 * H + I + N + 4);
  // What the next layer starts from, and what the norm before it keeps.
  expect(floatsOfLayer(bert, {}, true)).toBe(H + 2);
  const wide = modernbert.intermediate;
  const own = 3 * H + H + H + 2 * H + 2 * wide + modernbert.heads + 4;
  expect(floatsOfLayer(modernbert, {}, false)).toBe(own + H);
  expect(floatsOfLayer(modernbert, {}, true)).toBe(H);
  // LoRA keeps what its two matrices have between them, and not what only other matrices' gradients would read.
  expect(floatsOfLayer(modernbert, { lora }, false)).toBe(own + 2 * lora.rank);
  expect(floatsOfLayer(bert, { lora }, false)).toBe(7 * H + I + N + 4 + 2 * lora.rank);
  expect(floatsOfLayer(modernbert, { lora }, true)).toBe(H);
});

test("layers that are frozen keep nothing, and the lowest that trains has their rooms", () => {
  const bytesWith = (layers: number, recompute: boolean) => {
    const shape = { ...shapes.bert, layers };
    const trained = trainedTable(shape, { frozenLayers: layers - 1 });
    const all = programOf(shape, "mean", { trained, recompute }).step.activations({ T: 100, S: 2 });
    return [...all.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  };
  expect(bytesWith(9, false)).toBe(bytesWith(3, false));
  expect(bytesWith(3, false)).toBe(bytesWith(3, true));
});

const all = ["attention.qkv", "attention.output", "intermediate", "output"] as const;
const loras: readonly Tuning[] = [
  { lora: { rank: 3, alpha: 6, matrices: all } },
  { lora: { rank: 4, alpha: 2, matrices: all }, frozenLayers: 1 },
  { lora: { rank: 4, alpha: 8, matrices: ["attention.qkv"] } },
  { lora: { rank: 2, alpha: 4, matrices: ["output"] }, frozenLayers: 1 },
];

/** scale · dW · Aᵀ, (O, rank), and scale · Bᵀ · dW, (rank, I). */
function projections(
  dW: ArrayLike<number>,
  { a, b }: { readonly a: ArrayLike<number>; readonly b: ArrayLike<number> },
  { rank, alpha }: Lora,
) {
  const I = a.length / rank;
  const O = b.length / rank;
  const scale = alpha / rank;
  return {
    db: fill(O * rank, (k) => {
      const [o, r] = [Math.floor(k / rank), k % rank];
      return scale * sum(I, (i) => (dW[o * I + i] ?? NaN) * (a[r * I + i] ?? NaN));
    }),
    da: fill(rank * I, (k) => {
      const [r, i] = [Math.floor(k / I), k % I];
      return scale * sum(O, (o) => (dW[o * I + i] ?? NaN) * (b[o * rank + r] ?? NaN));
    }),
  };
}

describe.each(["bert", "modernbert"] as const)("LoRA beside the matrices of %s", (name) => {
  const shape = shapes[name];
  test.each(loras)(
    "%o",
    async (tuning) => {
      const { lora } = tuning;
      if (!lora) throw new Error("no LoRA");
      const trained = trainedTable(shape, tuning);
      const source = random(9, "adapters");
      const adapters = new Float32Array(trained.floats).map(() => 0.15 * source.normal());
      const merged = withTrained(shape, randomWeights(shape), { tuning, weights: adapters });

      const beside = await bench.run({ shape, tuning, adapters });
      const whole = await bench.run({ shape, weights: merged });
      expect(error(beside.embedded, Float64Array.from(whole.embedded))).toBeLessThan(1e-5);
      expect(error(beside.embedding, Float64Array.from(whole.embedding))).toBeLessThan(1e-5);
      expect([...beside.asked].toSorted()).toEqual(Object.keys(trained.regions).toSorted());

      const matrices = Object.keys(parameterTable(shape).regions).filter(
        (region) => trained.regions[adapterRegions(region).a],
      );
      expect(matrices).toHaveLength(lora.matrices.length * (shape.layers - (tuning.frozenLayers ?? 0)));
      for (const matrix of matrices) {
        const names = adapterRegions(matrix);
        const numbers = (region: string) => {
          const { offset = 0, shape: of = [] } = trained.regions[region] ?? {};
          return adapters.subarray(offset, offset + item(of, 0) * item(of, 1));
        };
        const truth = projections(whole.gradient[matrix] ?? [], { a: numbers(names.a), b: numbers(names.b) }, lora);
        expect(error(beside.gradient[names.a], truth.da), names.a).toBeLessThan(1e-5);
        expect(error(beside.gradient[names.b], truth.db), names.b).toBeLessThan(1e-5);
      }
    },
    240_000,
  );
});

test("nothing is worked out that no adapter needs", async () => {
  const lora = { rank: 4, alpha: 8, matrices: ["output"] } as const;
  const { kernels, trained } = await bench.run({ shape: shapes.bert, tuning: { lora, frozenLayers: 2 } });
  const counts = (kernel: string) => count(kernels.backward, kernel);
  expect(Object.keys(trained.regions)).toHaveLength(2);
  // Back through the last norm to its sum, then B's and A's gradients and nothing below.
  expect(counts("layernorm/backward.input")).toBe(1);
  expect(counts("layernorm/backward.weight")).toBe(0);
  expect(counts("linear/backward.input")).toBe(1);
  expect(counts("linear/backward.weight")).toBe(2);
  expect(counts("attention/backward.query")).toBe(0);
});
