/** The CPU engine's kernels against float64 references; padding of inputs is zeros, as kernels before them leave it. */
import { describe, expect, it, test } from "vitest";
import { instantiate, wasmFunction, wasmModule, type Code } from "../../src/base/wasm.ts";
import { attend, attendBackward, keptFloats } from "../../src/encoder/cpu/attention.ts";
import { anglesOf } from "../../src/encoder/rotary.ts";
import { turn } from "../../src/encoder/cpu/rotary.ts";
import { norm, normAgain, normBackward, takeNormal, type Parameters } from "../../src/encoder/cpu/parts.ts";
import type { Heap } from "../../src/encoder/cpu/heap.ts";
import { advance, bytes, constantPool, get, load, store, upTo } from "../../src/encoder/cpu/kernels/code.ts";
import { functionsOf, type Functions } from "../../src/encoder/cpu/kernels/functions.ts";
import { attention, attentionGradient, biasGradient } from "../reference/attention.ts";
import { geglu, gegluGradient } from "../reference/geglu.ts";
import { erf, gelu, geluDerivative } from "../reference/gelu.ts";
import { layerNorm, layerNormGradients } from "../reference/layernorm.ts";
import { turned } from "../reference/rotary.ts";
import { empty, newHeap, paddingOf, put, putVector, read } from "../support/heap.ts";
import { error, normals } from "../support/kernels.ts";
import { pack } from "../support/golden.ts";

/** A function of the kernels, for numbers four at a time. */
function evaluate(choose: (functions: Functions) => (x: Code) => Code, values: Float32Array): Float32Array {
  const constants = constantPool();
  const f = wasmFunction("f", { x: "i32", end: "i32" }, ({ x, end }, local) =>
    upTo(x, end, [...store(get(x), choose(functionsOf(constants, local))(load(get(x)))), ...advance(x, bytes(16))]),
  );
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float32Array(memory.buffer);
  floats.set(constants.values);
  floats.set(values, 64);
  instantiate(wasmModule([f]), memory)["f"]?.(256, 256 + 4 * values.length);
  return floats.slice(64, 64 + values.length);
}

describe("special functions", () => {
  const points = Float32Array.from({ length: 1604 }, (_, i) => (i - 802) / 80);

  it("knows Φ to 2e-7", () => {
    const values = evaluate(({ normalCdf }) => normalCdf, points);
    points.forEach((x, i) => expect(Math.abs((values[i] ?? NaN) - (1 + erf(x / Math.SQRT2)) / 2)).toBeLessThan(2e-7));
  });

  it("knows exp of −40 to 0 to 3e-7 of it, and takes it as nothing beyond", () => {
    const negative = points.map((x) => (x > 9.9 ? -1e9 : x < -9.9 ? -Infinity : -4 * Math.abs(x)));
    const values = evaluate(({ expOfNegative }) => expOfNegative, negative);
    negative.forEach((x, i) => {
      const value = values[i] ?? NaN;
      if (x < -39.9) expect(value).toBeLessThan(1e-17);
      else expect(Math.abs(value / Math.exp(x) - 1)).toBeLessThan(3e-7);
    });
    expect(evaluate(({ expOfNegative }) => expOfNegative, new Float32Array(4))).toEqual(new Float32Array(4).fill(1));
  });

  it("leaves what is not a number", () => {
    const odd = new Uint32Array([0x7fc00000, 0xffc00000, 0x7fffffff, 0x7fc00001]);
    const nan = new Float32Array(odd.buffer);
    for (const choose of [({ normalCdf }: Functions) => normalCdf, ({ expOfNegative }: Functions) => expOfNegative]) {
      expect([...evaluate(choose, nan)].every(Number.isNaN)).toBe(true);
    }
  });
});

test("GELU, and the way back through it", () => {
  const heap = newHeap();
  const x = Float64Array.from({ length: 240 }, (_, i) => Math.fround((i - 120) / 15));
  const [xs, d] = [put(heap, 24, x), put(heap, 24, normals(240, "d"))];
  const [y, again] = [empty(heap, 10, 24), empty(heap, 10, 24)];
  const end = xs.at + xs.row * xs.rows;
  heap.kernels.gelu(y.at, xs.at, end);
  expect(error(read(heap, y), x.map(gelu))).toBeLessThan(4e-7);
  heap.kernels.geluBackward(again.at, d.at, xs.at, end);
  expect(read(heap, again)).toEqual(read(heap, y));
  const slope = normals(240, "d").map((value, i) => value * geluDerivative(x[i] ?? NaN));
  expect(error(read(heap, d), slope)).toBeLessThan(2e-6);
});

test("GeGLU, and the way back through it, halves side by side and padding zeros", () => {
  const heap = newHeap();
  const [T, C] = [9, 21];
  const [x, dy] = [normals(T * 2 * C, "x", 2), normals(T * C, "dy")];
  const half = (second: boolean) => x.filter((_, i) => i % (2 * C) >= C === second);
  const [a, b] = [put(heap, C, half(false), 0), put(heap, C, half(true), 0)];
  const [y, again, dGate] = [empty(heap, T, C), empty(heap, T, C), empty(heap, T, C)];
  const d = put(heap, C, dy, 0);
  const end = a.at + a.row * a.rows;
  heap.kernels.geglu(y.at, a.at, b.at, end);
  expect(error(read(heap, y), geglu(x, C))).toBeLessThan(1e-6);
  expect(paddingOf(heap, y).filter((value) => value !== 0)).toEqual([]);
  heap.kernels.gegluBackward(again.at, d.at, dGate.at, a.at, b.at, end);
  expect(read(heap, again)).toEqual(read(heap, y));
  const truth = gegluGradient(x, dy, C);
  const part = (second: boolean) => truth.filter((_, i) => i % (2 * C) >= C === second);
  expect(error(read(heap, d), part(false))).toBeLessThan(2e-6);
  expect(error(read(heap, dGate), part(true))).toBeLessThan(2e-6);
  for (const matrix of [d, dGate]) expect(paddingOf(heap, matrix).filter((value) => value !== 0)).toEqual([]);
});

test.each([1, 12, 15])("queries and keys turn by their places, %i heads of 6", (N) => {
  const heap = newHeap();
  const [H, theta] = [6 * N, 500];
  const texts = pack([[1], [1, 1, 1, 1, 1], [1, 1]]);
  const places = [0, 0, 1, 2, 3, 4, 0, 1];
  const qkv = normals(8 * 3 * H, "qkv");
  const [there, back] = [put(heap, 3 * H, qkv), put(heap, 3 * H, qkv)];
  turn(heap, there, { texts, heads: N, angles: anglesOf(5, 6, theta) });
  turn(heap, back, { texts, heads: N, angles: anglesOf(9, 6, theta), back: true });
  expect(error(read(heap, there), turned(qkv, { H, N, places, theta }))).toBeLessThan(1e-6);
  expect(error(read(heap, back), turned(qkv, { H, N, places, theta }, -1))).toBeLessThan(1e-6);
});

test.each([1, 3, 4, 10, 33])("the sum of rows, %i wide, is added", (columns) => {
  const heap = newHeap();
  const x = normals(7 * columns, "x");
  const matrix = put(heap, columns, x, 0);
  const sums = putVector(heap, normals(columns, "sums"));
  heap.kernels.sumRows(sums, matrix.at, matrix.row, matrix.rows);
  const truth = normals(columns, "sums").map((sum, c) =>
    x.reduce((sum, v, i) => (i % columns === c ? sum + v : sum), sum),
  );
  expect(error(heap.view(sums, columns), truth)).toBeLessThan(1e-6);
});

const shape = { family: "bert", layers: 1, heads: 1, intermediate: 1, vocabulary: 1, positions: 1, types: 1 } as const;

/** A norm named "n". */
function parametersOf(heap: Heap, weight: Float64Array, bias: Float64Array | undefined, epsilon: number) {
  const hidden = weight.length;
  const zeros = () => putVector(heap, new Float64Array(hidden));
  const weights: Record<string, number> = {
    "n.weight": putVector(heap, weight),
    ...(bias && { "n.bias": putVector(heap, bias) }),
  };
  const gradients: Record<string, number> = { "n.weight": zeros(), ...(bias && { "n.bias": zeros() }) };
  const parameters: Parameters = {
    heap,
    shape: { ...shape, hidden, layerNormEpsilon: epsilon },
    ones: putVector(heap, new Float64Array(hidden).fill(1)),
    zeros: putVector(heap, new Float64Array(hidden)),
    weight: (region) => weights[region] ?? NaN,
    gradient: (region) => gradients[region],
    bottom: -1,
    has: (region) => region in weights,
  };
  return { parameters, gradients };
}

test.each([3, 8, 33, 64])("LayerNorm of a sum, %i wide, and the way back", (hidden) => {
  const heap = newHeap();
  const epsilon = 1e-3;
  const [weight, bias] = [normals(hidden, "weight"), normals(hidden, "bias")];
  const { parameters, gradients } = parametersOf(heap, weight, bias, epsilon);
  const x = normals(5 * hidden, "x");
  const [half, dy] = [x.map((value) => value / 2), normals(5 * hidden, "dy")];
  const [one, other, y] = [put(heap, hidden, half, 0), put(heap, hidden, half, 0), empty(heap, 5, hidden)];
  const normal = takeNormal(heap, 5, hidden);
  norm(parameters, "n", { x: one, other, y }, normal);
  const truth = layerNorm(x, weight, bias, epsilon);
  expect(error(read(heap, y), truth.y)).toBeLessThan(2e-6);
  expect(paddingOf(heap, y).filter((value) => value !== 0)).toEqual([]);
  expect(error(heap.view(normal.inverse, 5), truth.rstd)).toBeLessThan(1e-6);

  const d = put(heap, hidden, dy, 0);
  normBackward(parameters, "n", d, normal);
  const back = layerNormGradients(x, weight, dy, epsilon);
  expect(error(read(heap, d), back.dx)).toBeLessThan(1e-5);
  expect(paddingOf(heap, d).filter((value) => value !== 0)).toEqual([]);
  expect(error(heap.view(gradients["n.bias"] ?? 0, hidden), back.dbias)).toBeLessThan(1e-6);
  expect(error(heap.view(gradients["n.weight"] ?? 0, hidden), back.dweight)).toBeLessThan(2e-6);
});

test.each([3, 8, 33])("LayerNorm of one matrix in place, without a bias, %i wide, and the way back", (hidden) => {
  const heap = newHeap();
  const [epsilon, weight, x, dy] = [
    1e-3,
    normals(hidden, "weight"),
    normals(5 * hidden, "x"),
    normals(5 * hidden, "dy"),
  ];
  const { parameters, gradients } = parametersOf(heap, weight, undefined, epsilon);
  const [y, again] = [put(heap, hidden, x, 0), empty(heap, 5, hidden)];
  const normal = takeNormal(heap, 5, hidden);
  norm(parameters, "n", { x: y, y }, normal);
  expect(error(read(heap, y), layerNorm(x, weight, new Float64Array(hidden), epsilon).y)).toBeLessThan(2e-6);
  expect(paddingOf(heap, y).filter((value) => value !== 0)).toEqual([]);
  normAgain(parameters, "n", again, normal);
  expect(read(heap, again)).toEqual(read(heap, y));

  const d = put(heap, hidden, dy, 0);
  normBackward(parameters, "n", d, normal);
  const back = layerNormGradients(x, weight, dy, epsilon);
  expect(error(read(heap, d), back.dx)).toBeLessThan(1e-5);
  expect(error(heap.view(gradients["n.weight"] ?? 0, hidden), back.dweight)).toBeLessThan(2e-6);
  // The rows that stand for what is not there have stayed as they were.
  expect([...heap.view(parameters.zeros, hidden)]).toEqual(Array.from({ length: hidden }, () => 0));
});

test("LayerNorm of one number is its bias, and of equal ones too, with no gradient", () => {
  for (const hidden of [1, 5]) {
    const heap = newHeap();
    const bias = normals(hidden, "bias");
    const { parameters } = parametersOf(heap, normals(hidden, "weight"), bias, 1e-12);
    const [x, y] = [put(heap, hidden, new Float64Array(hidden).fill(0.75), 0), empty(heap, 1, hidden)];
    const normal = takeNormal(heap, 1, hidden);
    norm(parameters, "n", { x, other: x, y }, normal);
    expect(read(heap, y)).toEqual(Float32Array.from(bias));
    const d = put(heap, 1, Float64Array.of(2), 0);
    if (hidden > 1) continue;
    normBackward(parameters, "n", d, normal);
    expect(read(heap, d)).toEqual(Float32Array.of(0));
  }
});

interface Sizes {
  readonly H: number;
  readonly N: number;
  readonly window?: number;
  /** With a bias by distance. */
  readonly reach?: number;
  /** With so many of the weights dropped. */
  readonly rate?: number;
}

/** Attention over texts of these lengths, there and back. */
function attended(heap: Heap, lengths: readonly number[], { H, N, window, reach, rate }: Sizes, scale: number) {
  const texts = pack(lengths.map((length) => Array.from({ length }, () => 0)));
  const T = texts.tokenIds.length;
  const qkv = normals(T * 3 * H, "qkv", scale);
  const dContext = normals(T * H, "dcontext");
  const context = empty(heap, T, H);
  const values = normals(N * (2 * (reach ?? 1) - 1), "bias", 2);
  const gradient = new Float64Array(values.length).fill(1);
  const bias = reach === undefined ? undefined : { reach, values: Float32Array.from(values), gradient };
  const dropped = { seed: 0xdeadbeef, site: 7, rate: rate ?? 0 };
  const dropping = rate === undefined ? undefined : { ...dropped, row: 1000 };
  const own = { context, kept: heap.take(keptFloats(T, N)), window, bias, dropping };
  const given = { texts, heads: N, qkv: put(heap, 3 * H, qkv), ...own };
  const dqkv = window === undefined ? empty(heap, T, 3 * H) : put(heap, 3 * H, new Float64Array(T * 3 * H));
  attend(heap, given);
  attendBackward(heap, given, put(heap, H, dContext), dqkv);
  const { cuSeqlens } = texts;
  const dropout = rate === undefined ? undefined : { ...dropped, firstToken: 1000 };
  const size = { H, N, cuSeqlens, window, dropout };
  if (!bias) return { context, dqkv, truth: attention(qkv, size), back: attentionGradient(qkv, dContext, size) };
  const biased = { ...size, bias: { reach: bias.reach, values } };
  const dBias = { found: gradient.map((value) => value - 1), truth: biasGradient(qkv, dContext, biased) };
  return { context, dqkv, truth: attention(qkv, biased), back: attentionGradient(qkv, dContext, biased), dBias };
}

test.each<readonly [lengths: readonly number[], sizes: Sizes, scale: number]>([
  [[1], { H: 4, N: 1 }, 1],
  [[3, 1, 9, 4], { H: 15, N: 3 }, 1],
  [[8, 33, 12], { H: 16, N: 2 }, 1],
  // More queries than are taken at a time; more keys than products are summed in one go; scores of hundreds.
  [[130, 5], { H: 12, N: 1 }, 1],
  [[401], { H: 8, N: 1 }, 1],
  [[20, 7], { H: 16, N: 1 }, 12],
  [[3, 1, 9, 40], { H: 15, N: 3, window: 1 }, 1],
  [[300, 7, 129], { H: 16, N: 2, window: 4 }, 1],
  // As wide as a text, and wider than it; between blocks of queries; far keys with scores of hundreds.
  [[21, 20, 140], { H: 8, N: 2, window: 20 }, 1],
  [[200], { H: 9, N: 1, window: 64 }, 1],
  [[150], { H: 16, N: 1, window: 5 }, 12],
  [[3, 1, 9, 40], { H: 15, N: 3, reach: 40 }, 1],
  [[170, 30], { H: 12, N: 2, reach: 175 }, 1],
  [[150, 3], { H: 12, N: 2, reach: 150, window: 7 }, 1],
  // Keys and queries are counted on from block to block.
  [[5, 150, 1], { H: 12, N: 2, rate: 0.3 }, 1],
  [[150, 3], { H: 12, N: 2, reach: 150, window: 7, rate: 0.5 }, 1],
])("attention within texts of %j tokens, %o, numbers of about %i", (lengths, sizes, scale) => {
  const heap = newHeap();
  const { context, dqkv, truth, back, dBias } = attended(heap, lengths, sizes, scale);
  expect(error(read(heap, context), truth.context)).toBeLessThan(2e-6 * scale ** 2);
  expect(error(read(heap, dqkv), back)).toBeLessThan(1e-5 * scale ** 2);
  if (dBias) expect(error(dBias.found, dBias.truth)).toBeLessThan(1e-5);
});

test("a text that has no numbers leaves the others theirs", () => {
  const heap = newHeap();
  const texts = pack([
    [1, 1, 1, 1, 1],
    [1, 1],
    [1, 1, 1],
  ]);
  const values = normals(10 * 30, "qkv").fill(NaN, 5 * 30, 7 * 30);
  const qkv = put(heap, 30, values);
  const [context, dqkv] = [empty(heap, 10, 10), empty(heap, 10, 30)];
  const given = { texts, heads: 2, qkv, context, kept: heap.take(keptFloats(10, 2)) };
  attend(heap, given);
  attendBackward(heap, given, put(heap, 10, normals(100, "dcontext")), dqkv);
  const broken = (row: number) => row === 5 || row === 6;
  read(heap, context).forEach((value, i) => expect(Number.isNaN(value)).toBe(broken(Math.floor(i / 10))));
  read(heap, dqkv).forEach((value, i) => expect(Number.isNaN(value)).toBe(broken(Math.floor(i / 30))));
});
