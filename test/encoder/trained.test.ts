import { expect, test } from "vitest";
import type { BertShape } from "../../src/domain/encoder.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { adapterRegions, initialAdapters, trainedTable, withTrained } from "../../src/encoder/trained.ts";

const shape: BertShape = {
  family: "bert",
  layers: 3,
  hidden: 8,
  heads: 2,
  intermediate: 12,
  vocabulary: 40,
  positions: 16,
  types: 2,
  layerNormEpsilon: 1e-12,
};
const table = parameterTable(shape);
const lora = { rank: 2, alpha: 6, matrices: ["attention.qkv", "output"] } as const;
const counted = (floats: number) => Float32Array.from({ length: floats }, (_, i) => 1 + i);

test("where all trains, the layout is the parameter table's", () => {
  const trained = trainedTable(shape);
  expect(trained.regions).toEqual(table.regions);
  expect(trained).toMatchObject({
    floats: table.floats,
    decayed: table.decayed,
    parameters: table.parameters,
    embeddings: true,
    ranges: [{ offset: 0, weights: 0, floats: table.floats }],
  });
});

test("what is frozen has no room: the rest lies in its order, matrices first, each region where the weights are copied from", () => {
  const trained = trainedTable(shape, { frozenLayers: 2 });
  expect(Object.keys(trained.regions)).toEqual(
    Object.keys(table.regions).filter((name) => name.startsWith("layer.2.")),
  );
  expect(trained.ranges).toHaveLength(2);
  expect(trained.ranges[1]?.offset).toBe(trained.decayed);
  const weights = counted(table.floats);
  const moved = new Float32Array(trained.floats);
  for (const { offset, weights: from, floats } of trained.ranges)
    moved.set(weights.subarray(from, from + floats), offset);
  for (const { name, offset, shape: sides } of Object.values(trained.regions)) {
    const from = table.regions[name]?.offset ?? 0;
    expect([...moved.subarray(offset, offset + size(sides))]).toEqual([...weights.subarray(from, from + size(sides))]);
    expect(offset % 64).toBe(0);
  }
  expect(trained.parameters).toBe((table.parameters - (40 + 16 + 2) * 8 - 2 * 8) / 3);
});

test("what trained goes back to its place, and nothing else moves", () => {
  const tuning = { frozenLayers: 1 };
  const trained = trainedTable(shape, tuning);
  const base = counted(table.floats);
  const after = withTrained(shape, base, { tuning, weights: new Float32Array(trained.floats).fill(-1) });
  for (const { name, offset, shape: sides } of Object.values(table.regions)) {
    const part = after.subarray(offset, offset + size(sides));
    const frozen = name.startsWith("embeddings.") || name.startsWith("layer.0.");
    expect([...part], name).toEqual([
      ...(frozen ? base : new Float32Array(table.floats).fill(-1)).subarray(offset, offset + size(sides)),
    ]);
  }
});

test("with no layer frozen, the embeddings are all that stays", () => {
  const trained = trainedTable(shape, { frozenLayers: 0 });
  expect(Object.keys(trained.regions).some((name) => name.startsWith("embeddings"))).toBe(false);
  expect(Object.keys(trained.regions)).toHaveLength(3 * 12);
});

test("LoRA adds alpha / rank · B · A to its matrices and leaves all else", () => {
  const tuning = { lora };
  const trained = trainedTable(shape, tuning);
  expect(Object.keys(trained.regions)).toHaveLength(3 * 2 * 2);
  expect(trained.parameters).toBe(3 * (2 * 8 + 24 * 2 + 2 * 12 + 8 * 2));
  const base = counted(table.floats);
  const arena = Float32Array.from({ length: trained.floats }, (_, i) => (i % 7) - 3);
  const after = withTrained(shape, base, { tuning, weights: arena });
  const adapted = new Set<number>();
  for (let layer = 0; layer < 3; layer++) {
    for (const matrix of lora.matrices) {
      const name = `layer.${layer}.${matrix}.weight`;
      const names = adapterRegions(name);
      const at = { w: table.regions[name], a: trained.regions[names.a], b: trained.regions[names.b] };
      const [O = 0, I = 0] = at.w?.shape ?? [];
      for (let o = 0; o < O; o++) {
        for (let i = 0; i < I; i++) {
          const k = (at.w?.offset ?? 0) + o * I + i;
          const b = (r: number) => arena[(at.b?.offset ?? 0) + o * 2 + r] ?? NaN;
          const a = (r: number) => arena[(at.a?.offset ?? 0) + r * I + i] ?? NaN;
          expect(after[k]).toBeCloseTo((base[k] ?? NaN) + 3 * (b(0) * a(0) + b(1) * a(1)), 3);
          adapted.add(k);
        }
      }
    }
  }
  after.forEach((value, k) => adapted.has(k) || expect(value).toBe(base[k]));
});

test("LoRA starts as the encoder itself: B is zero, A is spread over ±1/√I by the seed", () => {
  const trained = trainedTable(shape, { lora });
  const start = initialAdapters(trained, 5);
  expect(withTrained(shape, counted(table.floats), { tuning: { lora }, weights: start })).toEqual(
    counted(table.floats),
  );
  expect(initialAdapters(trained, 5)).toEqual(start);
  expect(initialAdapters(trained, 6)).not.toEqual(start);
  const a = trained.regions["layer.1.output.lora.a"];
  const values = start.subarray(a?.offset, (a?.offset ?? 0) + 24);
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(12));
  expect(new Set(values).size).toBe(24);
});

test.each([
  [shape, { frozenLayers: 3 }, "nothing would train. Freeze at most 2"],
  [{ family: "static", hidden: 8, vocabulary: 9 } as const, { frozenLayers: 0 }, "Freeze nothing"],
  [{ family: "static", hidden: 8, vocabulary: 9 } as const, { lora }, "Leave LoRA out"],
])("says what to do where nothing would train", (encoder, tuning, words) => {
  expect(() => trainedTable(encoder, tuning)).toThrow(words);
});
