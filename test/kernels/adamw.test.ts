import { afterAll, beforeAll, expect, test } from "vitest";
import { adamw } from "../../src/kernels/adamw/adamw.ts";
import { gradNorm, PARTIALS, STATE } from "../../src/kernels/gradnorm/gradnorm.ts";
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
      ...gradNorm(
        {
          state: at("state"),
          counts: at("counts"),
          losses: at("losses"),
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
