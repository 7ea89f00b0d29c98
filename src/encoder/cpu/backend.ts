/**
 * jax-js on its WebAssembly device, loaded when the first model that needs it is made: this keeps it out of every other chunk, and
 * lets a Node host put `navigator` and `Worker` in place before jax-js looks for them.
 */
import type * as jaxModule from "@jax-js/jax";

export type Jax = typeof jaxModule;
export type Tensor = jaxModule.Array;

export interface Backend {
  readonly jax: Jax;
  /** Size of jax-js's heap. It only ever grows, so this is also its peak. */
  heapBytes(): number;
}

let loading: Promise<Backend> | undefined;

/** Threads that jax-js splits its kernels over. Known before it is loaded. */
export function threadCount(): number {
  // The condition under which jax-js makes its pool, and the number it asks for (its src/backend/wasm/parallel.ts).
  const pool = typeof SharedArrayBuffer !== "undefined" && typeof Worker !== "undefined";
  return pool ? Math.max(1, navigator.hardwareConcurrency || 4) : 1;
}

/** One backend a thread: jax-js keeps its heap and its compiled kernels in module scope. */
export function loadBackend(): Promise<Backend> {
  return (loading ??= load());
}

async function load(): Promise<Backend> {
  const { module: jax, memories } = await watchingMemories(() => import("@jax-js/jax"));
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  return { jax, heapBytes: () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
}

/**
 * Notes the WebAssembly memories that a module makes while it loads: jax-js makes its heap then, and has no way to ask
 * for its size.
 */
async function watchingMemories<T>(
  load: () => Promise<T>,
): Promise<{ readonly module: T; readonly memories: readonly WebAssembly.Memory[] }> {
  const memories: WebAssembly.Memory[] = [];
  const original = WebAssembly.Memory;
  WebAssembly.Memory = new Proxy(original, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(descriptor);
      memories.push(memory);
      return memory;
    },
  });
  try {
    return { module: await load(), memories };
  } finally {
    WebAssembly.Memory = original;
  }
}
