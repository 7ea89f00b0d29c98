/** How many passes a layer takes, without a GPU. */
import { expect, test } from "vitest";
import type { BertShape, ModernBertShape } from "../../../src/domain/encoder.ts";
import type { Dropout, Tuning } from "../../../src/domain/engine.ts";
import { trainedTable } from "../../../src/encoder/trained.ts";
import { programOf } from "../../../src/encoder/webgpu/family.ts";
import type { Passes } from "../../../src/encoder/webgpu/program.ts";
import type { At } from "../../../src/encoder/webgpu/tensors.ts";
import type { LinearPlan } from "../../../src/kernels/linear/variants.ts";
import { shapes } from "../../support/program.ts";

interface Settings {
  readonly tuning?: Tuning;
  readonly dropout?: Dropout;
  readonly recompute?: boolean;
}

/** Wide enough that no gradient of a matrix is summed in parts. */
const wide = { hidden: 1024, heads: 16, intermediate: 4096 };
const bert = { ...shapes.bert, ...wide };
const modernbert = { ...shapes.modernbert, ...wide };

// Only the names of kernels matter here.
const at: At = () => ({ buffer: {} as GPUBuffer, offset: 0, size: 4 });
const tensors = { weight: at, adapter: at, index: at, activation: at, gradient: at, adds: false };

/** Kernels of the step's two directions that one layer more takes, with how often. */
function ofLayer(shape: BertShape | ModernBertShape, { tuning = {}, dropout, recompute = false }: Settings = {}) {
  const countsOf = (layers: number) => {
    const of = { ...shape, layers };
    const program = programOf(of, "mean", { trained: trainedTable(of, tuning), dropout, recompute });
    return [program.trainForward(tensors), program.backward(tensors)].map((passes: Passes) => {
      const counts: Record<string, number> = {};
      for (const { kernel } of passes) {
        const name = kernel.name.replace(".vec4", "");
        counts[name] = (counts[name] ?? 0) + 1;
      }
      return counts;
    });
  };
  const [small, large] = [countsOf(4), countsOf(5)];
  return large.map((counts, direction) =>
    Object.fromEntries(
      Object.entries(counts)
        .map(([name, count]) => [name, count - (small[direction]?.[name] ?? 0)] as const)
        .filter(([, count]) => count > 0),
    ),
  );
}

const passesOf = (...given: Parameters<typeof ofLayer>) =>
  ofLayer(...given).map((counts) => Object.values(counts).reduce((sum, count) => sum + count, 0));

test("a layer of BERT: residuals, GELU and biases take no pass of their own", () => {
  expect(ofLayer(bert)).toEqual([
    { "linear/forward": 3, "linear/forward.gelu": 1, "attention/forward": 1, "layernorm/forward": 2 },
    {
      "layernorm/backward.input": 2,
      "layernorm/backward.weight": 2,
      "layernorm/backward.sum": 2,
      "gelu/forward": 1,
      "linear/backward.input": 4,
      "linear/backward.weight": 4,
      "attention/backward.query": 1,
      "attention/backward.keyvalue": 1,
    },
  ]);
});

test("a layer of ModernBERT", () => {
  expect(ofLayer(modernbert)).toEqual([
    { "linear/forward": 4, "rotary/turn": 1, "attention/forward": 1, "geglu/forward": 1, "layernorm/forward": 2 },
    {
      "layernorm/backward.input": 2,
      "layernorm/backward.weight": 2,
      "reduce/final": 2,
      "geglu/backward": 1,
      "linear/backward.input": 4,
      "linear/backward.weight": 4,
      "rotary/turn": 1,
      "attention/backward.query": 1,
      "attention/backward.keyvalue": 1,
    },
  ]);
});

test("what a step takes besides", () => {
  const lora = { rank: 8, alpha: 16, matrices: ["attention.qkv"] } as const;
  const [forward = 0, backward = 0] = passesOf(bert);
  expect([forward, backward]).toEqual([7, 17]);
  // Two branches, there and back.
  expect(passesOf(bert, { dropout: { hidden: 0.1, attention: 0.1 } })).toEqual([forward + 2, backward + 2]);
  expect(passesOf(bert, { dropout: { hidden: 0, attention: 0.1 } })).toEqual([forward, backward]);
  // A layer goes forward again but for the norm at its end.
  expect(passesOf(bert, { recompute: true })).toEqual([forward, backward + forward - 1]);
  expect(passesOf(modernbert, { recompute: true })).toEqual([9, 18 + 9 - 1]);
  // With nothing but B and A to learn: no gradients of matrices and norms, no GELU again.
  const [there, back = 0] = passesOf(bert, { tuning: { lora } });
  expect(there).toBe(forward + 2);
  const ofAdapter = ofLayer(bert, { tuning: { lora } })[1] ?? {};
  expect(ofAdapter["linear/backward.input"]).toBe(4 + 2);
  expect(ofAdapter["layernorm/backward.weight"] ?? 0).toBe(0);
  expect(ofAdapter["gelu/forward"] ?? 0).toBe(0);
  expect(back).toBeLessThan(backward);
});

test("every product of matrices takes the form that the device's plan says", () => {
  const lora = { rank: 8, alpha: 16, matrices: ["attention.qkv"] } as const;
  const linear: LinearPlan = { variant: () => "staged, 64×64" };
  for (const shape of [bert, modernbert]) {
    for (const tuning of [{}, { lora }]) {
      const program = programOf(shape, "mean", { trained: trainedTable(shape, tuning), recompute: true, linear });
      const passes = [...program.forward(tensors), ...program.trainForward(tensors), ...program.backward(tensors)];
      const products = passes.map(({ kernel }) => kernel.name).filter((name) => name.startsWith("linear/"));
      expect(products.length).toBeGreaterThan(10);
      expect(products.filter((name) => !name.endsWith(".staged"))).toEqual([]);
    }
  }
});

test("only tables that train keep what they held", () => {
  const sparse = (tuning: Tuning) =>
    programOf(bert, "mean", { trained: trainedTable(bert, tuning), recompute: false }).sparse;
  expect(sparse({})).toEqual(["embeddings.word", "embeddings.position"]);
  expect(sparse({ frozenLayers: 0 })).toEqual([]);
});
