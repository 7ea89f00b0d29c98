/** Every kernel compiles, with Dawn's null backend: no driver needed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { nullGpu } from "../support/device.ts";

const sources = import.meta.glob<string>("../../src/kernels/**/*.wgsl", {
  query: "?raw",
  import: "default",
  eager: true,
});
let device: GPUDevice;

beforeAll(async () => {
  const adapter = await (await nullGpu()).requestAdapter();
  if (!adapter) throw new Error("Dawn has no null backend");
  // Kernels that `enable` something are only for devices that have it.
  const requiredFeatures: GPUFeatureName[] = ["subgroups", "shader-f16"];
  device = await adapter.requestDevice({ requiredFeatures });
});
afterAll(() => {
  device.destroy();
});

/** What the compiler and the pipeline, made for WebGPU's default limits, have to say against a kernel. */
async function complaints(label: string, code: string): Promise<string[]> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code });
  const { messages } = await module.getCompilationInfo();
  device.createComputePipeline({ label, layout: "auto", compute: { module, entryPoint: "main" } });
  const error = await device.popErrorScope();
  return [...messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`), ...(error ? [error.message] : [])];
}

test.each(Object.entries(sources))("%s compiles", async (label, code) => {
  expect(await complaints(label, code)).toEqual([]);
  expect(code.match(/@compute/g)).toHaveLength(1);
  expect(code.startsWith("//")).toBe(true);
});

test("there are kernels to check", () => expect(Object.keys(sources).length).toBeGreaterThan(20));

test("canary: a broken kernel, and one with too much workgroup memory, are found", async () => {
  const layout = "@group(0) @binding(0) var<storage, read_write> y: array<f32>;";
  const broken = `${layout} @compute @workgroup_size(1) fn main() { y[0] = 1u; }`;
  const greedy = `${layout} var<workgroup> w: array<f32, 5000>; @compute @workgroup_size(1) fn main() { y[0] = w[u32(y[1])]; }`;
  expect(await complaints("broken", broken)).not.toEqual([]);
  expect(await complaints("greedy", greedy)).not.toEqual([]);
});
