/**
 * Where a step's time goes: a `navigator.gpu` whose devices put every dispatch into a compute pass of its own between two
 * timestamps. Passes of one dispatch cost a little on some GPUs, so that shares mean more than sums.
 */
import { present } from "../src/base/assert.ts";
import { MAP_READ, Usage } from "../src/gpu/usage.ts";
import { intercepted, over } from "./watch.ts";

/** WebGPU's most for one set of queries. */
const QUERIES = 4096;
/** GPUBufferUsage.QUERY_RESOLVE. */
const QUERY_RESOLVE = 0x200;

export interface KernelTime {
  /** The pipeline's label. */
  readonly name: string;
  readonly milliseconds: number;
  readonly dispatches: number;
}

export interface Profiler {
  readonly gpu: GPU;
  /** Time by pipeline since the last call, the longest first. Errors: the adapter has no timestamps. */
  collect(): Promise<readonly KernelTime[]>;
}

class Recorder {
  readonly #device: GPUDevice;
  readonly #set: GPUQuerySet;
  /** Pipeline of each dispatch, in order. */
  #names: string[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#set = device.createQuerySet({ label: "profile", type: "timestamp", count: QUERIES });
    const createCommandEncoder = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => {
      const encoder = createCommandEncoder(descriptor);
      return over(encoder, { beginComputePass: () => this.#pass(encoder) });
    };
  }

  /** Stands for a pass of the engine's. */
  #pass(encoder: GPUCommandEncoder): GPUComputePassEncoder {
    let pipeline: GPUComputePipeline | undefined;
    const groups = new Map<number, GPUBindGroup>();
    const dispatch = (x: number, y?: number, z?: number): undefined => {
      const chosen = present(pipeline, "a pipeline");
      const pass = encoder.beginComputePass({ timestampWrites: this.#writes(chosen.label) });
      pass.setPipeline(chosen);
      groups.forEach((group, i) => pass.setBindGroup(i, group));
      pass.dispatchWorkgroups(x, y, z);
      pass.end();
    };
    // All that engines call of a pass.
    const stand: Partial<GPUComputePassEncoder> = {
      setPipeline: (next) => void (pipeline = next),
      setBindGroup: (i: number, group: GPUBindGroup | null | undefined) => void (group && groups.set(i, group)),
      dispatchWorkgroups: dispatch,
      end: () => undefined,
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stand-in for a part of the interface
    return stand as GPUComputePassEncoder;
  }

  #writes(name: string): GPUComputePassTimestampWrites {
    const i = this.#names.push(name) - 1;
    if (2 * i + 1 >= QUERIES) throw new Error(`a step of more than ${QUERIES / 2} dispatches cannot be profiled`);
    return { querySet: this.#set, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
  }

  async collect(): Promise<readonly KernelTime[]> {
    const names = this.#names;
    this.#names = [];
    if (names.length === 0) return [];
    const stamps = await this.#read(2 * names.length);
    const times = new Map<string, { milliseconds: number; dispatches: number }>();
    names.forEach((name, i) => {
      const time = times.get(name) ?? { milliseconds: 0, dispatches: 0 };
      time.milliseconds += Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)) / 1e6;
      time.dispatches++;
      times.set(name, time);
    });
    return [...times].map(([name, time]) => ({ name, ...time })).sort((a, b) => b.milliseconds - a.milliseconds);
  }

  /** Nanoseconds. */
  async #read(count: number): Promise<BigUint64Array> {
    const size = 8 * count;
    const resolved = this.#device.createBuffer({ size, usage: QUERY_RESOLVE | Usage.copySource });
    const staging = this.#device.createBuffer({ size, usage: Usage.mapRead | Usage.copyTarget });
    const encoder = this.#device.createCommandEncoder();
    encoder.resolveQuerySet(this.#set, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
    resolved.destroy();
    staging.destroy();
    return stamps;
  }
}

export function profiled(gpu: GPU): Profiler {
  const recorders: Recorder[] = [];
  const profiledGpu = intercepted(gpu, async (adapter, descriptor) => {
    const requiredFeatures = new Set(descriptor?.requiredFeatures);
    const device = await adapter.requestDevice({
      ...descriptor,
      requiredFeatures: [...requiredFeatures.add("timestamp-query")],
    });
    recorders.push(new Recorder(device));
    return device;
  });
  return { gpu: profiledGpu, collect: () => present(recorders.at(-1), "a device").collect() };
}
