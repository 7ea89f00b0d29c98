/** The GPU device: getting one, knowing what it is, and hearing of it when something goes wrong. */
import { DeviceLost, GpuOutOfMemory, GpuUnavailable, outOfMemory } from "./errors.ts";
import { Usage } from "./usage.ts";

type AdapterInfo = Pick<GPUAdapterInfo, "vendor" | "architecture" | "device" | "description" | "isFallbackAdapter">;

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/** Whether an adapter runs on the processor: right, but far slower than the CPU engine. */
export function isSoftwareAdapter(info: AdapterInfo): boolean {
  const names = [info.vendor, info.architecture, info.device, info.description].join(" ");
  return info.isFallbackAdapter || SOFTWARE.test(names);
}

/** "NVIDIA GeForce RTX 3060", "google swiftshader (software)": as much as the browser tells. */
export function describeAdapter(info: AdapterInfo): string {
  const parts = info.description !== "" ? [info.description] : [info.vendor, info.architecture, info.device];
  const name = parts.filter((part) => part !== "").join(" ") || "unnamed GPU";
  return isSoftwareAdapter(info) ? `${name} (software)` : name;
}

/** What the engine profits from beyond WebGPU's defaults; asked for as far as the adapter has it. */
const wantedLimits = ["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"] as const;

/** Asked for where there are any. */
const wantedFeatures = ["subgroups", "shader-f16"] as const satisfies readonly GPUFeatureName[];

const lost = (reason: string): DeviceLost =>
  new DeviceLost(
    `The GPU stopped${reason === "" ? "" : ` (${reason})`}. What was stored is safe: reload the page and go on from the last checkpoint. ` +
      "If it happens again, use a smaller batch or close other programs that use the GPU.",
  );

/**
 * A device, its buffers counted, its errors remembered. An invalid pipeline or buffer makes WebGPU drop work in silence,
 * so every result has to pass {@link Gpu.settle}, which fails if anything has gone wrong since the start.
 */
export class Gpu {
  readonly device: GPUDevice;
  readonly name: string;
  readonly software: boolean;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #buffers = new Map<GPUBuffer, number>();
  #heldBytes = 0;
  #peakBytes = 0;
  #fault: Error | undefined;

  constructor(device: GPUDevice, info: AdapterInfo) {
    this.device = device;
    this.name = describeAdapter(info);
    this.software = isSoftwareAdapter(info);
    device.addEventListener("uncapturederror", ({ error }) => this.#fail(faultOf(error)));
    void device.lost.then(({ message }) => this.#fail(lost(message)));
  }

  /** In buffers that are not freed. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Most bytes in buffers at once since the start. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  #fail(error: Error): void {
    // A loss outranks what went before: it is what the person has to know, and errors after it are its echo.
    if (this.#fault === undefined || error instanceof DeviceLost) this.#fault = error;
    for (const reject of this.#waiting) reject(this.#fault);
    this.#waiting.clear();
  }

  /** Throws what has gone wrong on the device since the start, if anything has. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  /** The result of `work`, or the device's fault as soon as there is one, even if `work` would never end. */
  async settle<T>(work: Promise<T>): Promise<T> {
    // Where the fault comes first nobody else listens to `work`.
    work.catch(() => undefined);
    this.check();
    let stop: ((error: Error) => void) | undefined;
    const failed = new Promise<never>((_, reject) => this.#waiting.add((stop = reject)));
    try {
      const result = await Promise.race([work, failed]);
      this.check();
      return result;
    } catch (error) {
      // A map is aborted just before the loss that aborts it is told.
      await new Promise((resolve) => setTimeout(resolve, 0));
      throw this.#fault ?? error;
    } finally {
      if (stop) this.#waiting.delete(stop);
    }
  }

  /** A buffer of zeros. Errors: GpuOutOfMemory at once where it is over the device's limit. */
  allocate(label: string, bytes: number, usage: number): GPUBuffer {
    this.check();
    const { maxBufferSize } = this.device.limits;
    if (bytes > maxBufferSize) throw outOfMemory(label, bytes, `it allows ${maxBufferSize} bytes in one buffer`);
    const buffer = this.device.createBuffer({ label, size: bytes, usage });
    this.#buffers.set(buffer, bytes);
    this.#heldBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#heldBytes);
    return buffer;
  }

  /** A buffer for kernels, which can be copied from and written to. */
  storage(label: string, bytes: number): GPUBuffer {
    return this.allocate(label, bytes, Usage.storage | Usage.copySource | Usage.copyTarget);
  }

  /** Freeing a buffer again does nothing. */
  free(buffer: GPUBuffer): void {
    const bytes = this.#buffers.get(buffer);
    if (bytes === undefined) return;
    this.#buffers.delete(buffer);
    this.#heldBytes -= bytes;
    buffer.destroy();
  }

  /** Runs `allocate` and waits for the device to say whether it had the memory. Errors: GpuOutOfMemory. */
  async reserve<T>(label: string, bytes: number, allocate: () => T): Promise<T> {
    this.device.pushErrorScope("out-of-memory");
    let result: T;
    try {
      result = allocate();
    } catch (error) {
      await this.device.popErrorScope();
      throw error;
    }
    const refused = await this.settle(this.device.popErrorScope());
    if (refused) throw outOfMemory(label, bytes, "it has no memory left");
    return result;
  }

  /** Frees every buffer and the device; whatever still waits is rejected with DeviceLost. */
  dispose(): void {
    this.#buffers.forEach((_, buffer) => this.free(buffer));
    this.device.destroy();
  }
}

function faultOf(error: GPUError): Error {
  return error.constructor.name === "GPUOutOfMemoryError"
    ? new GpuOutOfMemory(
        `The GPU ran out of memory (${error.message}). Use a smaller batch, shorter texts or a smaller encoder.`,
      )
    : new Error(`internal: WebGPU: ${error.message}`);
}

/** Opens a device on the best adapter that `gpu` (`navigator.gpu`, or Dawn in Node) has. Errors: {@link GpuUnavailable}. */
export async function openGpu(gpu: GPU | undefined): Promise<Gpu> {
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new GpuUnavailable(
      `${gpu ? "This browser has WebGPU but found no GPU that it can use" : "This browser has no WebGPU"}. ` +
        "Choose the CPU engine, or update the browser and the graphics driver and switch on hardware acceleration in its settings.",
    );
  }
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = wantedFeatures.filter((name) => adapter.features.has(name));
  try {
    return new Gpu(await adapter.requestDevice({ label: "decoy", requiredFeatures, requiredLimits }), adapter.info);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GpuUnavailable(
      `The GPU (${describeAdapter(adapter.info)}) gave no device: ${reason}. Reload the page, or choose the CPU engine.`,
    );
  }
}
