import { afterAll, beforeAll, expect, test } from "vitest";
import { Gpu } from "../../src/gpu/device.ts";
import { linearForward, linearInput, linearWeight, weightScratch } from "../../src/kernels/linear/linear.ts";
import {
  DEFAULT_VARIANT,
  formOf,
  hasVariants,
  softwarePlan,
  variantNames,
  variantOf,
  variantsOn,
  type Variant,
} from "../../src/kernels/linear/variants.ts";
import { vulkanGpu } from "../support/device.ts";
import { kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  const adapter = await (await vulkanGpu()).requestAdapter();
  if (!adapter) throw new Error("no adapter");
  // Software adapters have subgroups; the engine may not ask for them.
  const device = await adapter.requestDevice({ requiredFeatures: ["subgroups"] });
  bench = await kernelBench(new Gpu(device, adapter.info));
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

// Neither the tiles nor the slabs fit; shares of tokens are longer than a slab, and no multiple of four.
const size = { T: 570, I: 68, O: 72 };
const { T, I, O } = size;
const [x, weight, bias, dy] = [normals(T * I, "x"), normals(O * I, "w"), normals(O, "b"), normals(T * O, "dy")];
const [residual, preactivation] = [normals(T * O, "r"), normals(T * I, "p")];
const before = { y: normals(T * O, "y"), dx: normals(T * I, "dx") };

/** All three products with everything that a product can have besides. */
const products = (variant: Variant) =>
  bench.run({
    counts: { T },
    inputs: { x, weight, bias, dy, residual, preactivation, ...before },
    outputs: { activated: T * O, dweight: O * I, dbias: O, scratch: weightScratch(size) },
    dispatches: (at) => {
      const shared = { counts: at("counts"), weight: at("weight"), x: at("x"), dy: at("dy"), scratch: at("scratch") };
      const epilogue = { bias: at("bias"), residual: at("residual"), activated: at("activated") };
      const options = { I, O, scale: 0.75, adds: true, plan: { variant: () => variant } };
      return [
        linearForward({ ...shared, y: at("y"), ...epilogue }, options),
        linearInput({ ...shared, dx: at("dx"), preactivation: at("preactivation") }, options),
        ...linearWeight({ ...shared, dweight: at("dweight"), dbias: at("dbias") }, { ...options, adds: false }),
      ];
    },
  });

const results = ["y", "activated", "dx", "dweight", "dbias"];
let truth: ReturnType<typeof products> | undefined;

// Software compiles workgroup memory slowly.
const PATIENCE = 240_000;

test.each(variantsOn({ subgroups: true }).filter((name) => name !== DEFAULT_VARIANT))(
  "%s gives the default's bits",
  async (variant) => {
    truth ??= products(DEFAULT_VARIANT);
    const [expected, actual] = [await truth, await products(variant)];
    for (const name of results) {
      expect(expected[name]?.some(Number.isNaN), name).toBe(false);
      expect(differing(expected[name], actual[name]), name).toBe(0);
    }
  },
  PATIENCE,
);

/** Numbers that are not the same in both. */
function differing(expected: Float32Array = new Float32Array(), actual: Float32Array = new Float32Array()): number {
  return expected.reduce((count, value, i) => count + (value === actual[i] ? 0 : 1), 0);
}

test("sizes that are no multiples of four have one form, whatever was chosen", () => {
  expect(hasVariants({ I: 12, O: 6 })).toBe(false);
  expect(formOf("forward", { I: 12, O: 6 }, { variant: () => "quads, 32×64" }).kernels.forward.name).toBe(
    "linear/forward",
  );
  expect(formOf("forward", { I: 12, O: 8 }, { variant: () => "quads, 32×64" }).kernels.forward.name).toBe(
    "linear/forward.quads",
  );
  expect(formOf("forward", { I: 12, O: 8 }, undefined).kernels.forward.name).toBe("linear/forward.vec4");
});

test("a form that is no longer there is not chosen, nor one that the device cannot run", () => {
  expect(variantOf("quads, 32×64")).toBe("quads, 32×64");
  expect(variantOf("by hand")).toBeUndefined();
  expect(variantOf(undefined)).toBeUndefined();
  const [single, half] = [variantsOn({ subgroups: true }), variantsOn({ subgroups: true, half: true })];
  expect([...single, ...half]).toEqual(variantNames);
  expect(half.every((name) => name.startsWith("f16"))).toBe(true);
  expect(single.some((name) => name.startsWith("f16"))).toBe(false);
  expect(variantsOn({ subgroups: false, half: true })).toEqual(half.filter((name) => !name.includes("quads")));
  expect(variantsOn({ subgroups: false }).some((name) => name.startsWith("quads"))).toBe(false);
  expect(variantsOn({ subgroups: false })).toContain(DEFAULT_VARIANT);
});

test("software takes quads where it can and there are columns enough", () => {
  const { variant } = softwarePlan({ subgroups: true });
  expect(variant("forward", { I: 8, O: 256 })).toBe("quads, 32×64");
  expect(variant("forward", { I: 256, O: 8 })).toBeUndefined();
  expect(variant("weight", { I: 8, O: 256 })).toBeUndefined();
  expect(softwarePlan({ subgroups: false }).variant("forward", { I: 256, O: 256 })).toBeUndefined();
});

test("in f16 the default is in f16, but for sizes that are no multiples of four", () => {
  const plan = softwarePlan({ subgroups: true, half: true });
  expect(plan.mostParts).toBe(4);
  expect(formOf("forward", { I: 256, O: 256 }, plan).kernels.forward.name).toBe("linear/forward.f16");
  expect(formOf("weight", { I: 12, O: 6 }, plan).kernels.weight.name).toBe("linear/backward.weight");
  expect(formOf("input", { I: 12, O: 8 }, { ...plan, half: false }).kernels.input.name).toBe(
    "linear/backward.input.vec4",
  );
});
