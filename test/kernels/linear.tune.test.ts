import { afterAll, beforeAll, expect, test } from "vitest";
import { openGpu, type Gpu } from "../../src/gpu/device.ts";
import { Pipelines, type Dispatch, type Pass } from "../../src/gpu/pass.ts";
import { whole } from "../../src/gpu/slice.ts";
import { wallTimer, type Contest } from "../../src/gpu/tuner.ts";
import type { Counts } from "../../src/kernels/counts.ts";
import { measureLinear, tuneLinear } from "../../src/kernels/linear/tune.ts";
import { DEFAULT_HALF, type Variant } from "../../src/kernels/linear/variants.ts";
import { hasHalf, vulkanGpu } from "../support/device.ts";

const half = await hasHalf();
let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu(await vulkanGpu());
}, 120_000);
afterAll(() => {
  gpu.dispose();
});

const among: readonly Variant[] = ["8×8, 64×32"];
const contestants: readonly Variant[] = ["8×8, 32×64", ...among];
// Software on a busy machine compiles slowly.
const PATIENCE = 240_000;
const sizes = [
  { I: 64, O: 128 },
  { I: 33, O: 7 },
];

test(
  "a real contest ends with a form of each product, which is remembered",
  async () => {
    const choices = new Map<string, string>();
    const tuning = { sizes, tokens: [33, 100], choices, among, budget: 600_000 };
    const pipelines = new Pipelines(gpu);
    const { variant } = await measureLinear(gpu, pipelines, tuning);
    const chosen = (["forward", "input", "weight"] as const).map((product) => variant(product, { I: 64, O: 128 }));
    for (const one of chosen) expect(contestants).toContain(one);
    expect([...choices]).toEqual([
      [`${gpu.name} | linear 1 | 33,100 tokens | forward 64→128`, chosen[0]],
      [`${gpu.name} | linear 1 | 33,100 tokens | input 64→128`, chosen[1]],
      [`${gpu.name} | linear 1 | 33,100 tokens | weight 64→128`, chosen[2]],
    ]);
    expect(variant("forward", { I: 33, O: 7 })).toBeUndefined();

    const other = contestants.find((one) => one !== chosen[0]);
    choices.set(`${gpu.name} | linear 1 | 33,100 tokens | forward 64→128`, other ?? "");
    const again = await measureLinear(gpu, pipelines, tuning);
    expect(again.variant("forward", { I: 64, O: 128 })).toBe(other);
    expect(again.variant("input", { I: 64, O: 128 })).toBe(chosen[1]);
  },
  PATIENCE,
);

/** Does nothing where a workgroup has eight rows of threads: quick, and wrong. */
class Idle extends Pipelines {
  override realise<Counts>(dispatches: readonly Dispatch<Counts>[]): Promise<Pass<Counts>[]> {
    const idle = (dispatch: Dispatch<Counts>): Dispatch<Counts> => ({ ...dispatch, workgroups: () => [0] });
    return super.realise(dispatches.map((dispatch) => (dispatch.constants["DOWN"] === 8 ? idle(dispatch) : dispatch)));
  }
}

test(
  "a form that gives other numbers than the default is never chosen, however quick it is",
  async () => {
    const tuning = { sizes: [{ I: 64, O: 128 }], tokens: [200], choices: new Map<string, string>(), among };
    const { variant } = await measureLinear(gpu, new Idle(gpu), { ...tuning, budget: 600_000 });
    expect(variant("forward", { I: 64, O: 128 })).toBe("8×8, 32×64");
    expect(variant("weight", { I: 64, O: 128 })).toBe("8×8, 32×64");
  },
  PATIENCE,
);

test.skipIf(!half)(
  "in f16 (skipped where the adapter has no shader-f16) the contest is among forms in f16, and remembered apart",
  async () => {
    const choices = new Map<string, string>([[`${gpu.name} | linear 1 | 33 tokens | forward 64→128`, "8×8, 64×64"]]);
    const halves: readonly Variant[] = ["f16 4×4, 32×32"];
    const tuning = { sizes: [{ I: 64, O: 128 }], tokens: [33], choices, half: true, among: halves, budget: 600_000 };
    const plan = await measureLinear(gpu, new Pipelines(gpu), tuning);
    expect(plan.half).toBe(true);
    expect([DEFAULT_HALF, ...halves]).toContain(plan.variant("forward", { I: 64, O: 128 }));
    expect(choices.size).toBe(4);
    expect(choices.get(`${gpu.name} | linear 1 | 33 tokens | f16 | forward 64→128`)).toBe(
      plan.variant("forward", { I: 64, O: 128 }),
    );
  },
  PATIENCE,
);

test("software is not measured", async () => {
  expect(gpu.software).toBe(true);
  const choices = new Map<string, string>();
  const { variant, mostParts } = await tuneLinear(gpu, new Pipelines(gpu), { sizes, tokens: [33], choices });
  const subgroups = gpu.device.features.has("subgroups");
  expect(variant("forward", { I: 64, O: 128 })).toBe(subgroups ? "quads, 32×64" : undefined);
  expect(mostParts).toBe(4);
  expect(choices.size).toBe(0);
});

test("a contestant that the device does not take, or that gives other numbers, is not ready, and harms nothing", async () => {
  const buffer = gpu.storage("y", 256);
  const layout = "@group(0) @binding(0) var<storage, read_write> y: array<f32>; override SIDE: u32 = 1;";
  const code = `${layout} @compute @workgroup_size(SIDE) fn main(@builtin(local_invocation_index) i: u32) { y[i % 64] = 1; }`;
  const contest: Contest = { name: "c", kind: "c", contestants: ["1", "8", "100000"] };
  const timer = wallTimer<Counts>({
    gpu,
    pipelines: new Pipelines(gpu),
    work: (_, contestant) => [
      {
        dispatches: [
          {
            kernel: { name: "side", code },
            constants: { SIDE: Number(contestant) },
            bindings: [whole(buffer)],
            workgroups: () => [1],
          },
        ],
        counts: { T: 1, S: 1, B: 1, blocks: 1, words: 1, positions: 1 },
      },
    ],
    agrees: (_, contestant) => Promise.resolve(contestant !== "8"),
  });
  expect(await timer.prepare(contest, "100000")).toBe(false);
  expect(await timer.prepare(contest, "8")).toBe(false);
  expect(await timer.prepare(contest, "1")).toBe(true);
  expect(await timer.run(contest, "1", 3)).toBeGreaterThan(0);
  gpu.check();
  gpu.free(buffer);
});
