/** Our own engine behind the benchmark's contract. */
import { present } from "../../src/base/assert.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import type { WatchedGpu } from "../watch.ts";
import { LEARNING_RATE, settings } from "../work.ts";
import type { BenchEngine, Job, Task } from "./engine.ts";

export async function openDecoy(watch: WatchedGpu): Promise<BenchEngine> {
  const engine = await createWebGpuEngine({ gpu: watch.gpu });
  async function open({ shape, weights, batches }: Task): Promise<Job> {
    const model = await engine.createModel({ shape, pooling: "mean", weights });
    const trainer = await model.createTrainer(settings);
    const batchAt = (i: number) => present(batches[i], `batch ${i}`).contrastive;
    return {
      layout: "packed",
      step: (batch) => trainer.step(batchAt(batch), LEARNING_RATE),
      encode: (batch) => model.embed(batchAt(batch).texts),
      dispose: () => Promise.resolve(model.dispose()),
    };
  }
  return {
    name: "decoy",
    watch,
    pads: false,
    open,
    peakBytes: () => engine.peakBytes(),
    dispose: () => engine.dispose(),
  };
}
