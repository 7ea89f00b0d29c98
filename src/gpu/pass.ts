/**
 * A dispatch as it is planned (kernel, constants, tensors, how many workgroups) and the pass that it becomes: a pipeline
 * and a bind group, made once and recorded again in every step. `Counts` are the sizes that change from batch to batch.
 */
import type { Gpu } from "./device.ts";
import type { Slice } from "./slice.ts";

export interface Kernel {
  /** "layernorm/forward" */
  readonly name: string;
  /** WGSL with one entry point, `main`, and bindings 0, 1, … in group 0. */
  readonly code: string;
}

export type Workgroups = readonly [x: number, y?: number, z?: number];

export interface Dispatch<Counts> {
  readonly kernel: Kernel;
  /** Values of the kernel's overrides. */
  readonly constants: Readonly<Record<string, number>>;
  /** In the order of the kernel's bindings. */
  readonly bindings: readonly Slice[];
  readonly workgroups: (counts: Counts) => Workgroups;
}

export interface Pass<Counts> {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: (counts: Counts) => Workgroups;
}

/** WebGPU's default maxComputeWorkgroupsPerDimension. */
const MAX_WORKGROUPS = 65535;

/**
 * Workgroups of 64 threads for `elements` elements, in two dimensions where one does not reach; a kernel finds its element
 * as `id.y * groups.x * 64 + id.x`.
 */
export function spread(elements: number): Workgroups {
  const groups = Math.ceil(elements / 64);
  const rows = Math.ceil(groups / MAX_WORKGROUPS);
  return [Math.ceil(groups / Math.max(rows, 1)), rows];
}

/** Compiles kernels, each once for each set of constants. */
export class Pipelines {
  readonly #gpu: Gpu;
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  get({ name, code }: Kernel, constants: Readonly<Record<string, number>>): Promise<GPUComputePipeline> {
    const key = `${name} ${JSON.stringify(constants)}`;
    const known = this.#pipelines.get(key);
    if (known) return known;
    const { device } = this.#gpu;
    const module = this.#modules.get(name) ?? device.createShaderModule({ label: name, code });
    this.#modules.set(name, module);
    const pipeline = device.createComputePipelineAsync({ label: key, layout: "auto", compute: { module, constants } });
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }

  /** Turns a list of dispatches into passes, compiling what is new in parallel. */
  realise<Counts>(dispatches: readonly Dispatch<Counts>[]): Promise<Pass<Counts>[]> {
    const { device } = this.#gpu;
    const passes = dispatches.map(async ({ kernel, constants, bindings, workgroups }) => {
      const pipeline = await this.get(kernel, constants);
      const entries = bindings.map((resource, binding) => ({ binding, resource }));
      const layout = pipeline.getBindGroupLayout(0);
      return {
        label: kernel.name,
        pipeline,
        bindGroup: device.createBindGroup({ label: kernel.name, layout, entries }),
        workgroups,
      };
    });
    return this.#gpu.settle(Promise.all(passes));
  }
}
