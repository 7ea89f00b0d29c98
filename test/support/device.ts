/**
 * WebGPU in Node: Dawn over a Vulkan driver. Without a GPU that is SwiftShader, the software driver that Chromium brings
 * along. VK_ICD_FILENAMES or VK_DRIVER_FILES name another driver.
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { create, globals } from "webgpu";

const icdPlaces = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
];

if (!process.env["VK_ICD_FILENAMES"] && !process.env["VK_DRIVER_FILES"]) {
  const found = icdPlaces.find((place) => existsSync(place));
  if (found) process.env["VK_ICD_FILENAMES"] = found;
}
loadVulkanBeside(process.env["VK_ICD_FILENAMES"]);
Object.assign(globalThis, globals);

/**
 * Chromium also brings the Vulkan loader, outside the places where the system looks. Once it is in the process Dawn finds
 * it by name. `dlopen` refuses it, as it is no Node module, but RTLD_NODELETE (0x1000 on Linux) keeps it loaded.
 */
function loadVulkanBeside(icd: string | undefined): void {
  const loader = icd === undefined ? "" : join(dirname(icd), "libvulkan.so.1");
  if (process.platform !== "linux" || !existsSync(loader)) return;
  try {
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | 0x1000);
  } catch {
    // Expected; vulkanGpu says so if there is no adapter in the end.
  }
}

// Dawn ends with the last reference to what create() gave; while one is held, Node does not exit by itself.
let held: GPU | undefined;

/** Dawn's `navigator.gpu`. A test that uses it calls {@link releaseGpu} after its last test. Errors: no adapter. */
export async function vulkanGpu(): Promise<GPU> {
  held ??= create(["backend=vulkan"]);
  if (!(await held.requestAdapter())) {
    throw new Error(
      "no WebGPU adapter: install Chromium (its SwiftShader driver is enough) or point VK_ICD_FILENAMES to a Vulkan driver's JSON file",
    );
  }
  return held;
}

/** A device that checks shaders and calls and computes nothing. Needs no driver. */
export function nullGpu(): GPU {
  held ??= create(["backend=null"]);
  return held;
}

export function releaseGpu(): void {
  held = undefined;
}
