/**
 * WebGPU in Node: Dawn (package `webgpu`) over a Vulkan driver. Without a GPU that is SwiftShader, the software driver that
 * Chromium brings along. VK_ICD_FILENAMES or VK_DRIVER_FILES name another driver.
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";

const ICD_PLACES = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
];

/** Where the system's own Vulkan drivers are named: they are found without help. */
const SYSTEM_DRIVERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/**
 * Chromium also brings the Vulkan loader, outside the places where the system looks. Once it is in the process Dawn finds
 * it by name. `dlopen` refuses it, as it is no Node module, but RTLD_NODELETE (0x1000 on Linux) keeps it loaded.
 */
function loadVulkanBeside(icd: string): void {
  const loader = join(dirname(icd), "libvulkan.so.1");
  if (process.platform !== "linux" || !existsSync(loader)) return;
  try {
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | 0x1000);
  } catch {
    // Expected; that there is no adapter shows when one is asked for.
  }
}

const named = (): string | undefined => process.env["VK_ICD_FILENAMES"] ?? process.env["VK_DRIVER_FILES"];

/** Points Vulkan to a software driver that is at hand. */
function chooseSoftware(): void {
  const found = ICD_PLACES.find((place) => existsSync(place));
  if (found === undefined) return;
  process.env["VK_ICD_FILENAMES"] = found;
  loadVulkanBeside(found);
}

/** Whether the drivers are the system's own choice: it may have some, and none of them of use. */
function systemChooses(): boolean {
  const driver = named();
  if (driver !== undefined) loadVulkanBeside(driver);
  return driver === undefined && SYSTEM_DRIVERS.some((place) => existsSync(place));
}

// Never let go: when the garbage collector ends a Dawn instance, it may end the process or stop it for good. A process
// that used one does not end by itself.
const held = new Map<string, GPU>();

/**
 * Dawn's `navigator.gpu`, one a process and choice of options. `options` are Dawn's: "backend=vulkan", … Where the system's
 * drivers give no adapter, or it has none, a software driver does.
 */
export async function nodeGpu(options: string[] = []): Promise<GPU> {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const key = options.join(" ");
  const known = held.get(key);
  if (known) return known;
  if (systemChooses()) {
    const gpu = create(options);
    held.set(`${key} of the system`, gpu);
    if (await gpu.requestAdapter()) {
      held.set(key, gpu);
      return gpu;
    }
  }
  if (named() === undefined) chooseSoftware();
  const gpu = create(options);
  held.set(key, gpu);
  return gpu;
}
