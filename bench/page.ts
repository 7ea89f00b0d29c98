/** The benchmark in a page. bench/run.ts calls `runBench`; progress goes to the console. */
import { bench } from "./bench.ts";
import type { Host } from "./host.ts";
import type { Options } from "./options.ts";
import type { Report } from "./report.ts";

declare global {
  var runBench: (options: Options) => Promise<Report>;
  interface Performance {
    // Chromium alone; exact with --enable-precise-memory-info.
    readonly memory?: { readonly usedJSHeapSize: number };
  }
}

/** A task after all that is under way, without the wait of a timer. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(0);
  });
}

const host: Host = {
  name: /Chrom(?:e|ium)\/[\d.]+/u.exec(navigator.userAgent)?.[0].replace("/", " ") ?? "a browser",
  gpu: navigator.gpu,
  say: (line) => console.info(line),
  async heapBytes() {
    // Chromium's flag --js-flags=--expose-gc gives it to the page.
    for (let i = 0; i < 2; i++) {
      globalThis.gc?.();
      await nextTask();
    }
    return globalThis.gc ? performance.memory?.usedJSHeapSize : undefined;
  },
  nextTask,
};

globalThis.runBench = (options) => bench(options, host);
