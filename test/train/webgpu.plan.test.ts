import { expect, test } from "vitest";
import type { BertShape } from "../../src/domain/encoder.ts";
import type { TrainerSettings } from "../../src/domain/engine.ts";
import { parameterTable } from "../../src/encoder/parameters.ts";
import { trainedTable } from "../../src/encoder/trained.ts";
import { pieceOf, pieces } from "../../src/train/webgpu/arenas.ts";
import { roundDown, roundUp } from "../../src/train/webgpu/capacity.ts";
import { fits, grown, predictMemory } from "../../src/train/webgpu/memory.ts";
import { Serial } from "../../src/train/webgpu/serial.ts";

test("room is rounded up by at most a quarter beyond 256", () => {
  expect([1, 64, 65, 256, 257, 2500].map(roundUp)).toEqual([64, 64, 128, 256, 320, 2560]);
  for (let n = 257; n < 20_000; n += 97) {
    expect(roundUp(n) / n).toBeLessThan(1.25);
    expect(roundUp(roundDown(n))).toBe(roundDown(n));
    expect(roundDown(n)).toBeLessThanOrEqual(n);
    expect(n / roundDown(n)).toBeLessThan(1.25);
  }
});

const small = { T: 1, S: 1, B: 1, pairs: 1, vectors: 1, parted: false, adds: false };

test("a plan serves what it has room for, and its successor has room for both", () => {
  const first = grown(undefined, { ...small, T: 100, S: 3, B: 2, pairs: 8, vectors: 5 });
  expect(first).toEqual({ ...small, T: 128, S: 64, B: 64, pairs: 64, vectors: 64 });
  expect(fits(first, { ...small, T: 128, S: 64, B: 64, pairs: 64, vectors: 64 })).toBe(true);
  for (const name of ["T", "S", "B", "pairs", "vectors"] as const) {
    const need = { ...small, [name]: 129 };
    expect(fits(first, need)).toBe(false);
    expect(grown(first, need)).toEqual({ ...first, [name]: 192 });
  }
  for (const name of ["parted", "adds"] as const) {
    const need = { ...small, [name]: true };
    expect(fits(first, need)).toBe(false);
    const next = grown(first, need);
    expect(next).toEqual({ ...first, [name]: true });
    expect(fits(next, small)).toBe(true);
    expect(grown(next, small)).toEqual(next);
  }
});

const shape = {
  family: "bert",
  layers: 2,
  hidden: 16,
  heads: 2,
  intermediate: 32,
  vocabulary: 50,
  positions: 16,
  types: 2,
  layerNormEpsilon: 1e-12,
} as const;
// Only the buffer's identity matters here.
const buffer = {} as GPUBuffer;

test("arenas larger than a binding are cut into pieces, decay into the right ones", () => {
  const trained = trainedTable(shape);
  const cut = pieces(trained, buffer, 1024 + 255);
  expect(cut.reduce((sum, { floats }) => sum + floats, 0)).toBe(trained.floats);
  expect(cut.reduce((sum, { decayed }) => sum + decayed, 0)).toBe(trained.decayed);
  cut.forEach((piece, i) => {
    expect(piece.weight).toEqual(pieceOf(buffer, piece));
    expect(piece.weight.offset).toBe(i * 1024);
    expect(piece.weight.size).toBeLessThanOrEqual(1024);
    expect(piece.decayed).toBe(Math.min(Math.max(trained.decayed - i * 256, 0), piece.floats));
  });
});

test("pieces of frozen encoders point to where the weights are", () => {
  const trained = trainedTable(shape, { frozenLayers: 1 });
  const cut = pieces(trained, buffer, 2048);
  expect(cut.reduce((sum, { floats }) => sum + floats, 0)).toBe(trained.floats);
  expect(cut.reduce((sum, { decayed }) => sum + decayed, 0)).toBe(trained.decayed);
  const weights = new Set(
    cut.flatMap(({ weight, floats }) => Array.from({ length: floats }, (_, i) => weight.offset / 4 + i)),
  );
  for (const { name, offset } of Object.values(parameterTable(shape).regions))
    expect(weights.has(offset), name).toBe(trained.regions[name] !== undefined);
});

test("with LoRA the pieces are those of its own matrices", () => {
  const trained = trainedTable(shape, { lora: { rank: 4, alpha: 4, matrices: ["output"] } });
  const cut = pieces(trained, buffer, 2 ** 20);
  expect(cut).toMatchObject([{ offset: 0, floats: trained.floats, decayed: trained.floats, weight: { offset: 0 } }]);
});

const settings = { temperature: 0.05, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 } as const;
const MIB = 2 ** 20;
/** WebGPU's usual ones on a computer. */
const limits = { maxBufferSize: 1024 * MIB, maxStorageBufferBindingSize: 1024 * MIB };
const encoder = (layers: number, hidden: number, heads: number) =>
  ({ ...shape, layers, hidden, heads, intermediate: 4 * hidden, vocabulary: 30_522, positions: 512 }) as const;
/** 32 queries, each with a positive and four negatives, of 128 tokens all. */
const largest = { tokens: 32 * 6 * 128, texts: 32 * 6, longest: 128, queries: 32, candidates: 32 * 160 };
const predict = (of: BertShape, more: Partial<TrainerSettings>) =>
  predictMemory({ shape: of, pooling: "mean", settings: { ...settings, ...more }, largest }, limits).total / MIB;

test("MiniLM-L6 trains in less than 1 GiB, BGE-large with LoRA in less than 4, in parts", () => {
  const miniLm = encoder(6, 384, 12);
  expect(predict(miniLm, { microTokens: 4096 })).toBeLessThan(1024);
  // Where the recipe bounds nothing: weights, gradient and moments, 1 GiB, and what the loss needs.
  expect(predict(miniLm, {})).toBeLessThan(344 + 1024 + 5);
  expect(predict(miniLm, {})).toBeGreaterThan(344 + 700);
  expect(predict(miniLm, { microTokens: 1e9 })).toBeGreaterThan(3 * 1024);
  const lora = {
    rank: 8,
    alpha: 16,
    matrices: ["attention.qkv", "attention.output", "intermediate", "output"],
  } as const;
  const bgeLarge = encoder(24, 1024, 16);
  expect(predict(bgeLarge, { tuning: { lora }, microTokens: 1024 })).toBeLessThan(4096);
  expect(predict(bgeLarge, { microTokens: 1024 })).toBeGreaterThan(4096);
  const kept = predict(bgeLarge, { tuning: { lora }, microTokens: 1024 });
  expect(predict(bgeLarge, { tuning: { lora }, microTokens: 1024, recompute: true })).toBeLessThan(0.7 * kept);
});

test("serial work runs in order, and goes on after a failure", async () => {
  const serial = new Serial();
  const log: string[] = [];
  const slow = serial.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push("slow");
    throw new Error("no");
  });
  const fast = serial.run(() => Promise.resolve(log.push("fast")));
  await expect(slow).rejects.toThrow("no");
  await fast;
  expect(log).toEqual(["slow", "fast"]);
});
