/** The two engines as Node starts them: the CPU engine on its threads, WebGPU through Dawn (package `webgpu`). */
import { existsSync } from "node:fs";
import type { EngineFactories } from "../src/train/service.ts";

/** Chromium's software Vulkan driver, where no other is named and this machine has it. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

async function nodeGpu(): Promise<GPU> {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  if (!process.env["VK_ICD_FILENAMES"] && !process.env["VK_DRIVER_FILES"] && existsSync(SWIFTSHADER)) {
    process.env["VK_ICD_FILENAMES"] = SWIFTSHADER;
  }
  return create([]);
}

/** Each engine's code is loaded when it is asked for. */
export const nodeEngines: EngineFactories = {
  webgpu: async () => {
    const { createWebGpuEngine } = await import("../src/train/webgpu.ts");
    return createWebGpuEngine({ gpu: await nodeGpu() });
  },
  cpu: async () => {
    const { prepareNodeForCpuEngine } = await import("./node-cpu.ts");
    prepareNodeForCpuEngine();
    const { createCpuEngine } = await import("../src/encoder/cpu.ts");
    return createCpuEngine();
  },
};
