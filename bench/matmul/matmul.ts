/** How fast a device multiplies float32 matrices through WebGPU: plain kernels of ours, so that a step has something to be measured by. */
import { assert, present } from "../../src/base/assert.ts";
import { MAP_READ, Usage } from "../../src/gpu/usage.ts";
import { madeUpNumbers } from "../numbers.ts";
import quadsCode from "./quads.wgsl?raw";
import registersCode from "./registers.wgsl?raw";
import sharedCode from "./shared.wgsl?raw";

export interface Multiplier {
  /** Multiplies two fixed matrices `times` over and waits for the end. */
  multiply(times: number): Promise<void>;
  dispose(): void;
}

export interface MatmulRate {
  /** Which kernel or engine. */
  readonly by: string;
  /** Rows and columns of each matrix. */
  readonly size: number;
  readonly flopsPerSecond: number;
}

interface Kernel {
  readonly by: string;
  readonly code: string;
  /** Rows and columns of the product that a workgroup makes. */
  readonly tile: number;
  readonly needs?: GPUFeatureName;
}

const kernels: readonly Kernel[] = [
  { by: "registers", code: registersCode, tile: 64 },
  { by: "shared memory", code: sharedCode, tile: 128 },
  { by: "quads", code: quadsCode, tile: 64, needs: "subgroups" },
];

const SMALLEST = 256;
const LARGEST = 4096;
/** Seconds of work that a measurement wants, and after which no larger matrices are tried. */
const ENOUGH = 0.05;
const MUCH = 0.2;
const TRIES = 3;

async function secondsOf({ multiply }: Multiplier, times: number): Promise<number> {
  const start = performance.now();
  await multiply(times);
  return (performance.now() - start) / 1000;
}

interface Found {
  readonly fastest: number;
  /** Whether larger matrices would take too long. */
  readonly slow: boolean;
}

async function fastestOf(multiplier: Multiplier): Promise<Found> {
  await multiplier.multiply(1);
  const once = await secondsOf(multiplier, 1);
  const times = Math.min(64, Math.max(1, Math.ceil(ENOUGH / once)));
  const slow = once > MUCH;
  const tries = slow ? 0 : TRIES;
  let fastest = once;
  for (let i = 0; i < tries; i++) fastest = Math.min(fastest, (await secondsOf(multiplier, times)) / times);
  return { fastest, slow };
}

/** The best rate over matrices of growing size. `prepare` makes matrices of the given size. */
export async function matmulRate(by: string, prepare: (size: number) => Promise<Multiplier>): Promise<MatmulRate> {
  let best: MatmulRate = { by, size: 0, flopsPerSecond: 0 };
  for (let size = SMALLEST; size <= LARGEST; size *= 2) {
    const multiplier = await prepare(size);
    const { fastest, slow } = await fastestOf(multiplier);
    multiplier.dispose();
    const flopsPerSecond = (2 * size ** 3) / fastest;
    if (flopsPerSecond > best.flopsPerSecond) best = { by, size, flopsPerSecond };
    if (slow) break;
  }
  return best;
}

async function prepareKernel(device: GPUDevice, { code, tile }: Kernel, size: number): Promise<Multiplier> {
  const module = device.createShaderModule({ label: "matmul", code });
  const compute = { module, constants: { N: size } };
  const pipeline = await device.createComputePipelineAsync({ label: "matmul", layout: "auto", compute });
  const usage = Usage.storage | Usage.copyTarget | Usage.copySource;
  const buffers = ["a", "b", "c"].map((label) => {
    const buffer = device.createBuffer({ label, size: 4 * size * size, usage });
    if (label !== "c") device.queue.writeBuffer(buffer, 0, madeUpNumbers(label, size * size));
    return buffer;
  });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const bindGroup = device.createBindGroup({ label: "matmul", layout: pipeline.getBindGroupLayout(0), entries });
  const multiply = async (times: number): Promise<void> => {
    const encoder = device.createCommandEncoder({ label: "matmul" });
    const pass = encoder.beginComputePass({ label: "matmul" });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let i = 0; i < times; i++) pass.dispatchWorkgroups(size / tile, size / tile);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  await multiply(1);
  await checkProduct(device, present(buffers[2], "c"), size);
  return { multiply, dispose: () => buffers.forEach((buffer) => buffer.destroy()) };
}

/** The middle row of the product against plain loops. */
async function checkProduct(device: GPUDevice, product: GPUBuffer, size: number): Promise<void> {
  const row = size / 2 + 3;
  const staging = device.createBuffer({ size: 4 * size, usage: Usage.mapRead | Usage.copyTarget });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(product, 4 * row * size, staging, 0, 4 * size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(MAP_READ);
  const actual = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  const [a, b] = [madeUpNumbers("a", size * size), madeUpNumbers("b", size * size)];
  for (let column = 0; column < size; column += 7) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += (a[row * size + k] ?? 0) * (b[k * size + column] ?? 0);
    const off = Math.abs(sum - (actual[column] ?? NaN));
    assert(off <= 1e-3, `a matrix product of the benchmark is wrong by ${off} at (${row}, ${column})`);
  }
}

/** What our plain kernels reach, the best first; without those that the device lacks a feature for. */
export async function plainMatmulRates(gpu: GPU): Promise<readonly MatmulRate[]> {
  const adapter = present(await gpu.requestAdapter({ powerPreference: "high-performance" }), "an adapter");
  const possible = kernels.filter(({ needs }) => needs === undefined || adapter.features.has(needs));
  const requiredFeatures = possible.flatMap(({ needs }) => needs ?? []);
  const device = await adapter.requestDevice({ label: "matmul", requiredFeatures });
  const rates: MatmulRate[] = [];
  for (const kernel of possible) {
    rates.push(await matmulRate(kernel.by, (size) => prepareKernel(device, kernel, size)));
  }
  device.destroy();
  return rates.sort((a, b) => b.flopsPerSecond - a.flopsPerSecond);
}
