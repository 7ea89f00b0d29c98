/** WebGPU for tests: without a GPU on SwiftShader, which Chromium brings along. */
import { nodeGpu } from "../../experiments/node-gpu.ts";

/** Dawn's `navigator.gpu`. Errors: no adapter. */
export async function vulkanGpu(): Promise<GPU> {
  const gpu = await nodeGpu(["backend=vulkan"]);
  if (!(await gpu.requestAdapter())) {
    throw new Error(
      "no WebGPU adapter: install Chromium (its SwiftShader driver is enough) or point VK_ICD_FILENAMES to a Vulkan driver's JSON file",
    );
  }
  return gpu;
}

/** A device that checks shaders and calls and computes nothing. Needs no driver. */
export const nullGpu = (): Promise<GPU> => nodeGpu(["backend=null"]);

/** Whether the adapter at hand multiplies in f16; many a software driver does not. */
export const hasHalf = async (): Promise<boolean> =>
  (await (await vulkanGpu()).requestAdapter())?.features.has("shader-f16") ?? false;
