/**
 * The benchmark in Node on a Vulkan device, through Dawn (package `webgpu`): what `npm run bench -- --node` builds and runs.
 * The built file can be carried: put `bench.mjs` and `node_modules/webgpu` into a folder and run `node bench.mjs [OPTIONS]`.
 */
import { writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { nodeGpu } from "../experiments/node-gpu.ts";
import { isUserError } from "../src/base/errors.ts";
import { bench } from "./bench.ts";
import type { Host } from "./host.ts";
import { readCommandLine } from "./options.ts";
import { reportText } from "./table.ts";

/** Node has the garbage collector to offer only by this way, or by a flag on its command line. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return typeof collect === "function" ? () => void collect() : () => undefined;
}

async function nodeHost(): Promise<Host> {
  const collect = collector();
  const nextTask = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    name: `Node ${process.versions.node} with Dawn`,
    gpu: await nodeGpu(["backend=vulkan"]),
    say: (line) => console.error(line),
    async heapBytes() {
      for (let i = 0; i < 2; i++) {
        collect();
        await nextTask();
      }
      return process.memoryUsage().heapUsed;
    },
    nextTask,
  };
}

async function main(given: readonly string[]): Promise<number> {
  try {
    const { options, json } = readCommandLine(given);
    const report = await bench(options, await nodeHost());
    console.log(reportText(report));
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    console.error(isUserError(error) ? error.message : error);
    return 1;
  }
}

// A WebGPU instance would keep the process alive.
process.exit(await main(process.argv.slice(2)));
