/**
 * A `navigator.gpu` that counts what any engine does with it: bytes in its buffers, and when it last handed work to the GPU.
 * Engines are not asked, so that all are measured alike.
 */
export interface Reading {
  readonly heldBytes: number;
  /** Since the last {@link WatchedGpu.forget}. */
  readonly peakBytes: number;
  /** When the last submit returned, in milliseconds on `performance.now()`'s clock. */
  readonly lastSubmit: number;
  /** Submits since the last forget. */
  readonly submits: number;
}

export interface WatchedGpu {
  readonly gpu: GPU;
  read(): Reading;
  /** Starts peak and number of submits anew. */
  forget(): void;
}

type MakeDevice = (adapter: GPUAdapter, descriptor: GPUDeviceDescriptor | undefined) => Promise<GPUDevice>;

/** `gpu`, its devices made by `makeDevice`. */
export function intercepted(gpu: GPU, makeDevice: MakeDevice): GPU {
  async function requestAdapter(options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> {
    const adapter = await gpu.requestAdapter(options);
    return adapter && over(adapter, { requestDevice: (descriptor) => makeDevice(adapter, descriptor) });
  }
  return over(gpu, { requestAdapter });
}

/** `target` with some of its functions replaced; the others are called on `target` itself, as the browser's objects demand. */
export function over<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(target, key) {
      const own: unknown = Reflect.get(replaced, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export function watched(gpu: GPU): WatchedGpu {
  let heldBytes = 0;
  let peakBytes = 0;
  let lastSubmit = 0;
  let submits = 0;

  function watchBuffers(device: GPUDevice): void {
    const createBuffer = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      let bytes = descriptor.size;
      heldBytes += bytes;
      peakBytes = Math.max(peakBytes, heldBytes);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        heldBytes -= bytes;
        bytes = 0;
        return destroy();
      };
      return buffer;
    };
  }

  function watchSubmits({ queue }: GPUDevice): void {
    const submit = queue.submit.bind(queue);
    queue.submit = (commands) => {
      const result = submit(commands);
      lastSubmit = performance.now();
      submits++;
      return result;
    };
  }

  return {
    gpu: intercepted(gpu, async (adapter, descriptor) => {
      const device = await adapter.requestDevice(descriptor);
      watchBuffers(device);
      watchSubmits(device);
      return device;
    }),
    read: () => ({ heldBytes, peakBytes, lastSubmit, submits }),
    forget() {
      peakBytes = heldBytes;
      submits = 0;
    },
  };
}
