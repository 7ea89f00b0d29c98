import { afterAll, beforeAll, expect, test } from "vitest";
import { dropHash } from "../../src/encoder/dropout.ts";
import { adamw, adamw16, packMoments, unpackMoments } from "../../src/kernels/adamw/adamw.ts";
import { gradNorm, meanLoss, PARTIALS, STATE } from "../../src/kernels/gradnorm/gradnorm.ts";
import { adamw as reference, globalNorm } from "../reference/adamw.ts";
import { error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

const settings = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1, decayed: 64 } as const;

interface Start {
  readonly gradient: Float64Array;
  readonly losses: Float64Array;
  readonly step: number;
  readonly clip: number;
}

const rate = Float32Array.of(0.01);

async function update({ gradient, losses, step, clip }: Start) {
  const floats = gradient.length;
  const [weight, m] = [normals(floats, "w"), normals(floats, "m")];
  const v = normals(floats, "v").map((value) => Math.fround(value * value));
  const state = new Uint32Array(STATE.words);
  state[STATE.step] = step;
  const out = await bench.run({
    counts: { B: losses.length },
    inputs: { gradient, losses, weight, m, v, state, rate },
    outputs: { partial: PARTIALS },
    dispatches: (at) => [
      meanLoss({ state: at("state"), counts: at("counts"), losses: at("losses") }),
      ...gradNorm(
        {
          state: at("state"),
          counts: at("counts"),
          gradient: [at("gradient")],
          partial: at("partial"),
        },
        { clip, betas: settings.betas },
      ),
      adamw(
        {
          weight: at("weight"),
          firstMoment: at("m"),
          secondMoment: at("v"),
          gradient: at("gradient"),
          rate: at("rate"),
          state: at("state"),
        },
        settings,
      ),
    ],
  });
  const after = new Uint32Array(out["state"]?.slice().buffer ?? new ArrayBuffer(0))[STATE.step];
  return { out, weight, m, v, step: after, loss: out["state"]?.[STATE.loss], norm: out["state"]?.[STATE.gradNorm] };
}

test.each([
  { floats: 64, step: 0, clip: 1, scale: 1 },
  { floats: 128, step: 0, clip: Infinity, scale: 5 },
  { floats: 256 * 129, step: 7, clip: 1000, scale: 1 },
  { floats: 256 * 129, step: 12345, clip: 0.5, scale: 1e-3 },
])("one update at %o", async ({ floats, step, clip, scale }) => {
  const gradient = normals(floats, "g", scale);
  const losses = normals(5, "losses");
  const { out, weight, m, v, ...after } = await update({ gradient, losses, step, clip });
  const truth = { weight: weight.slice(), m: m.slice(), v: v.slice() };
  reference(truth, gradient, { step: step + 1, rate: rate[0] ?? NaN }, { ...settings, clip });
  expect(after.loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 5, 6);
  expect((after.norm ?? NaN) / globalNorm(gradient)).toBeCloseTo(1, 6);
  expect(after.step).toBe(step + 1);
  // The change, not the weight: the weight would hide it.
  const change = (values: Float32Array | Float64Array | undefined) => weight.map((w, i) => (values?.[i] ?? NaN) - w);
  expect(error(change(out["weight"]), change(truth.weight))).toBeLessThan(1e-4);
  expect(error(out["m"], truth.m)).toBeLessThan(1e-6);
  expect(error(out["v"], truth.v)).toBeLessThan(1e-6);
});

test.each([
  { what: "a loss that is not a number", losses: [1, NaN, 2], entry: 1 },
  { what: "an infinite gradient", losses: [1], entry: Infinity },
  { what: "a gradient that is not a number", losses: [1], entry: NaN },
])(" changes nothing and is not counted", async ({ losses, entry }) => {
  const gradient = normals(128, "g");
  gradient[77] = entry;
  const { out, weight, m, v, step, loss, norm } = await update({
    gradient,
    losses: Float64Array.from(losses),
    step: 3,
    clip: 1,
  });
  expect(step).toBe(3);
  expect(Number.isFinite(loss) && Number.isFinite(norm)).toBe(false);
  expect(error(out["weight"], weight)).toBe(0);
  expect(error(out["m"], m)).toBe(0);
  expect(error(out["v"], v)).toBe(0);
});

test("of several batches loss and gradient are the mean, and the norm is that of the mean", async () => {
  const gradient = normals(128, "g", 3);
  const [first, second] = [normals(5, "first"), normals(3, "second")];
  const out = await bench.run({
    counts: { B: 5, batch: 0, batches: 2 },
    inputs: {
      gradient,
      first,
      second,
      // A sum that is left of a step before, and has to be forgotten.
      state: new Uint32Array(STATE.words).fill(0x7f800000, 0, 1),
      next: new Uint32Array([0, 0, 3, 0, 0, 0, 1, 2]),
    },
    outputs: { partial: PARTIALS },
    dispatches: (at) => [
      meanLoss({ state: at("state"), counts: at("counts"), losses: at("first") }),
      meanLoss({ state: at("state"), counts: at("next"), losses: at("second") }),
      ...gradNorm(
        { state: at("state"), counts: at("next"), gradient: [at("gradient")], partial: at("partial") },
        { clip: 1, betas: settings.betas },
      ),
    ],
  });
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const norm = globalNorm(gradient) / 2;
  expect(out["state"]?.[STATE.loss]).toBeCloseTo((mean(first) + mean(second)) / 2, 6);
  expect((out["state"]?.[STATE.gradNorm] ?? NaN) / norm).toBeCloseTo(1, 6);
  expect((out["state"]?.[STATE.scale] ?? NaN) * 2 * norm).toBeCloseTo(1, 5);
});

const toBits = (values: Float32Array<ArrayBuffer>) => new Uint32Array(values.buffer);
const bfloat16s = (values: Float64Array) => {
  const cut = Float32Array.from(values);
  toBits(cut).forEach((bits, i, all) => (all[i] = bits & 0xffff0000));
  return cut;
};

test("moments of 16 bits pack and unpack exactly", () => {
  const first = bfloat16s(Float64Array.of(0, -0, 1, -2.5, 1e-30, -3e38));
  const second = bfloat16s(Float64Array.of(3e38, 0, 1e-38, 7, 1, 2));
  expect(unpackMoments(packMoments(first, second))).toEqual({ first, second });
});

test("an update with moments of 16 bits: the weight's change is AdamW's, the moments are rounded by chance", async () => {
  const floats = 300;
  const seed = 0xdeadbeef;
  const gradient = normals(floats, "g");
  const weight = normals(floats, "w");
  const m = bfloat16s(normals(floats, "m"));
  const v = bfloat16s(normals(floats, "v").map((value) => value * value));
  const state = new Uint32Array(STATE.words);
  state[STATE.step] = 4;
  const out = await bench.run({
    counts: { B: 1, seed },
    inputs: { gradient, losses: Float64Array.of(1), weight, moments: packMoments(m, v), state, rate },
    outputs: { partial: PARTIALS },
    dispatches: (at) => [
      meanLoss({ state: at("state"), counts: at("counts"), losses: at("losses") }),
      ...gradNorm(
        { state: at("state"), counts: at("counts"), gradient: [at("gradient")], partial: at("partial") },
        { clip: 1, betas: settings.betas },
      ),
      adamw16(
        {
          weight: at("weight"),
          moments: at("moments"),
          gradient: at("gradient"),
          counts: at("counts"),
          rate: at("rate"),
          state: at("state"),
        },
        settings,
        1000,
      ),
    ],
  });
  const truth = { weight: weight.slice(), m: Float64Array.from(m), v: Float64Array.from(v) };
  reference(truth, gradient, { step: 5, rate: rate[0] ?? NaN }, { ...settings, clip: 1 });
  const change = (values: Float32Array | Float64Array | undefined) => weight.map((w, i) => (values?.[i] ?? NaN) - w);
  expect(error(change(out["weight"]), change(truth.weight))).toBeLessThan(1e-4);
  const packed = Uint32Array.from(new Uint32Array(out["moments"]?.slice().buffer ?? new ArrayBuffer(0)));
  const after = unpackMoments(packed);
  for (const [name, site, exact] of [
    ["first", 0xffff, truth.m],
    ["second", 0xfffe, truth.v],
  ] as const) {
    let agree = 0;
    exact.forEach((value, i) => {
      const bits = toBits(Float32Array.of(value))[0] ?? 0;
      const chance = dropHash({ seed, site, row: 1000 + i, column: 0 }) >>> 16;
      const rounded = (((bits & 0x7fffffff) + chance) & 0xffff0000) | (bits & 0x80000000);
      agree += rounded >>> 0 === toBits(after[name])[i] ? 1 : 0;
    });
    // The kernel's float32 arithmetic may differ in its last bit from double precision, and cross a border where it does.
    expect(agree).toBeGreaterThan(0.99 * floats);
  }
});
