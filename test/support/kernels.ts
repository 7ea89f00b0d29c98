/** Runs kernels on numbers in Node, and compares what they give. */
import { random } from "../../src/base/random.ts";
import { openGpu, type Gpu } from "../../src/gpu/device.ts";
import { Pipelines, type Dispatch } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import { whole, type Slice } from "../../src/gpu/slice.ts";
import { Submitter } from "../../src/gpu/submit.ts";
import { write } from "../../src/gpu/upload.ts";
import { Usage } from "../../src/gpu/usage.ts";
import { countsUniform, type Counts } from "../../src/kernels/counts.ts";
import { vulkanGpu } from "./device.ts";

type Numbers = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Run {
  readonly counts?: Partial<Counts>;
  /** Those that a kernel changes are read back too. */
  readonly inputs: Readonly<Record<string, Numbers | Float64Array>>;
  /** Numbers of each; all NaN before the run, so that what was not written shows. */
  readonly outputs: Readonly<Record<string, number>>;
  readonly dispatches: (at: (name: string) => Slice) => readonly Dispatch<Counts>[];
}

export interface Bench {
  readonly gpu: Gpu;
  /** Every tensor after the run, as float32. */
  run(run: Run): Promise<Record<string, Float32Array>>;
}

const none: Counts = { T: 0, S: 0, B: 0, blocks: 0, words: 0, positions: 0 };
const USAGE = Usage.storage | Usage.uniform | Usage.copySource | Usage.copyTarget;

/** On a device of the engine's kind, or on one that was opened for it. */
export async function kernelBench(opened?: Gpu): Promise<Bench> {
  const gpu = opened ?? (await openGpu(await vulkanGpu()));
  const pipelines = new Pipelines(gpu);
  const submitter = new Submitter(gpu);
  return {
    gpu,
    async run({ counts = {}, inputs, outputs, dispatches }) {
      const all = { ...none, ...counts };
      const values = new Map<string, Numbers>([["counts", countsUniform(all)]]);
      for (const [name, input] of Object.entries(inputs))
        values.set(name, input instanceof Float64Array ? new Float32Array(input) : input);
      for (const [name, length] of Object.entries(outputs)) values.set(name, new Float32Array(length).fill(NaN));
      const buffers = new Map<string, GPUBuffer>();
      for (const [name, value] of values) {
        const buffer = gpu.allocate(name, Math.max(16, value.byteLength), USAGE);
        write(gpu, whole(buffer), value);
        buffers.set(name, buffer);
      }
      const at = (name: string): Slice => {
        const buffer = buffers.get(name);
        if (!buffer) throw new Error(`the run has no tensor ${name}`);
        return { buffer, offset: 0, size: Math.max(16, values.get(name)?.byteLength ?? 0) };
      };
      submitter.submit({ label: "test", passes: await pipelines.realise(dispatches(at)), counts: all });
      const result: Record<string, Float32Array> = {};
      for (const [name, value] of values) result[name] = (await readFloats(gpu, at(name))).subarray(0, value.length);
      for (const buffer of buffers.values()) gpu.free(buffer);
      return result;
    },
  };
}

/** Standard normal numbers that float32 can hold. */
export function normals(count: number, name: string, scale = 1): Float64Array {
  const source = random(7, name);
  return Float64Array.from({ length: count }, () => Math.fround(source.normal() * scale));
}

/** The largest difference over the largest entry; NaN counts as infinite. */
export function error(actual: Float32Array | Float64Array | undefined, truth: Float64Array): number {
  if (actual?.length !== truth.length) return Infinity;
  let difference = 0;
  let largest = 1e-30;
  truth.forEach((value, i) => {
    const d = Math.abs((actual[i] ?? NaN) - value);
    difference = Number.isNaN(d) ? Infinity : Math.max(difference, d);
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / largest;
}

/** The gradient of Σ weight · f(x) by x, by central differences. */
export function differences(f: (x: Float64Array) => Float64Array, x: Float64Array, weight: Float64Array): Float64Array {
  const step = 1e-5;
  const value = (i: number, by: number) => {
    const moved = Float64Array.from(x);
    moved[i] = (moved[i] ?? 0) + by;
    return f(moved).reduce((sum, y, j) => sum + y * (weight[j] ?? 0), 0);
  };
  return x.map((_, i) => (value(i, step) - value(i, -step)) / (2 * step));
}
