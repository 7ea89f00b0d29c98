/** Whether memory grows while training goes on: a thousand small steps, and what is held after the tenth and after the last. */
import { messageOf } from "../src/base/errors.ts";
import { openEngine } from "./engines/open.ts";
import type { Host } from "./host.ts";
import { madeUpWeights } from "./numbers.ts";
import type { Options } from "./options.ts";
import type { Leak } from "./report.ts";
import { shapeOf, smallBatch } from "./work.ts";

const SHAPE = "1x32";
const EARLY = 10;
const STEPS = 1000;

export async function leaksOf({ engines }: Options, host: Host): Promise<Leak[]> {
  const shape = shapeOf(SHAPE);
  const leaks: Leak[] = [];
  for (const name of engines) {
    try {
      const engine = await openEngine(name, host.gpu);
      const job = await engine.open({
        shape,
        weights: madeUpWeights(shape),
        batches: [smallBatch(shape.vocabulary)],
        groups: 1,
      });
      const held = async () => [(await host.heapBytes()) ?? NaN, engine.watch.read().heldBytes] as const;
      for (let i = 0; i < EARLY; i++) await job.step(0);
      const [earlyHeap, earlyGpu] = await held();
      for (let i = EARLY; i < STEPS; i++) await job.step(0);
      const [lateHeap, lateGpu] = await held();
      await job.dispose();
      engine.dispose();
      leaks.push({
        engine: name,
        shape: SHAPE,
        steps: STEPS,
        heapBytes: [earlyHeap, lateHeap],
        gpuBytes: [earlyGpu, lateGpu],
      });
    } catch (error) {
      host.say(`${name} skipped: ${messageOf(error)}`);
    }
  }
  return leaks;
}
