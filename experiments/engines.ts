/** The two engines as Node starts them: the CPU engine, WebGPU through Dawn (package `webgpu`). */
import type { EngineFactories } from "../src/train/service.ts";
import { nodeGpu } from "./node-gpu.ts";

/** Each engine's code is loaded when it is asked for. */
export const nodeEngines: EngineFactories = {
  webgpu: async () => {
    const { createWebGpuEngine } = await import("../src/train/webgpu.ts");
    return createWebGpuEngine({ gpu: await nodeGpu() });
  },
  cpu: async () => {
    const { createCpuEngine } = await import("../src/encoder/cpu.ts");
    return createCpuEngine();
  },
};
