/** Our own engine behind the benchmark's contract. */
import { present } from "../../src/base/assert.ts";
import { UserError } from "../../src/base/errors.ts";
import type { Precision } from "../../src/domain/encoder.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import type { WatchedGpu } from "../watch.ts";
import { LEARNING_RATE, settings } from "../work.ts";
import type { BenchEngine, Job, Task } from "./engine.ts";

/** The adapter cannot compute what is asked for. */
export class NoSuchPrecision extends UserError {
  override readonly name = "NoSuchPrecision";
}

/** Errors: GpuUnavailable; NoSuchPrecision. */
export async function openDecoy(watch: WatchedGpu, precision: Precision = "f32"): Promise<BenchEngine> {
  const engine = await createWebGpuEngine({ gpu: watch.gpu });
  if (engine.info.precisions?.includes(precision) !== true) {
    engine.dispose();
    throw new NoSuchPrecision(`The adapter (${engine.info.device}) has no shader-f16. Leave decoy-f16 out.`);
  }
  async function open({ shape, weights, batches }: Task): Promise<Job> {
    const model = await engine.createModel({ shape, pooling: "mean", weights });
    const trainer = await model.createTrainer({ ...settings, precision });
    const batchAt = (i: number) => present(batches[i], `batch ${i}`).contrastive;
    return {
      layout: "packed",
      step: (batch) => trainer.step(batchAt(batch), LEARNING_RATE),
      encode: (batch) => model.embed(batchAt(batch).texts),
      dispose: () => Promise.resolve(model.dispose()),
    };
  }
  return {
    name: precision === "f32" ? "decoy" : "decoy-f16",
    watch,
    pads: false,
    open,
    peakBytes: () => engine.peakBytes(),
    dispose: () => engine.dispose(),
  };
}
