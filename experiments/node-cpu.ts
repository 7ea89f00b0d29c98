/**
 * What the CPU engine wants of a browser and Node 20 lacks: `navigator.hardwareConcurrency`, and a global `Worker` over
 * node:worker_threads, with which jax-js splits its kernels over the cores (0.1.25 makes module workers from a blob: URL
 * and sends each of them one message at a time, which it answers once).
 */
import { resolveObjectURL } from "node:buffer";
import { availableParallelism } from "node:os";
import { Worker as NodeWorker } from "node:worker_threads";

/** Makes a dedicated worker's globals, of which jax-js uses `self.onmessage` and `postMessage`, from `parentPort`. */
const PRELUDE = `
const { parentPort } = require("node:worker_threads");
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on("message", (data) => self.onmessage({ data }));
`;

class BlobWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((error: Error) => void) | null = null;
  readonly #worker: Promise<NodeWorker>;
  #unanswered = 0;

  constructor(url: string) {
    this.#worker = this.#start(url);
    // The failure reaches the caller through onerror.
    this.#worker.catch(() => undefined);
  }

  postMessage(message: unknown): void {
    this.#unanswered++;
    void this.#worker.then(
      (worker) => {
        worker.ref();
        worker.postMessage(message);
      },
      (error: unknown) => this.onerror?.(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #start(url: string): Promise<NodeWorker> {
    const blob = resolveObjectURL(url);
    if (!blob) throw new Error(`internal: no blob under ${url}`);
    const worker = new NodeWorker(PRELUDE + (await blob.text()), { eval: true });
    worker.on("message", (data: unknown) => {
      // An idle worker must not keep the process alive; one that still has to answer must.
      if (--this.#unanswered === 0) worker.unref();
      this.onmessage?.({ data });
    });
    worker.on("error", (error) => this.onerror?.(error instanceof Error ? error : new Error(String(error))));
    return worker;
  }
}

/** Call before the first `createCpuEngine`. `threads` = 1 computes on the calling thread. */
export function prepareNodeForCpuEngine(threads = availableParallelism()): void {
  Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: threads }, configurable: true });
  if (threads > 1) Object.defineProperty(globalThis, "Worker", { value: BlobWorker, configurable: true });
}
