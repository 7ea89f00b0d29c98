/** Time by kernel of our engine's step. */
import { openDecoy } from "./engines/decoy.ts";
import type { Host } from "./host.ts";
import { madeUpWeights } from "./numbers.ts";
import type { Options } from "./options.ts";
import { profiled } from "./profile.ts";
import type { Profile } from "./report.ts";
import { watched } from "./watch.ts";
import { batchesOf, shapeOf, type BatchKind } from "./work.ts";

async function profileOf(shapeName: string, kind: BatchKind, queries: number, host: Host): Promise<Profile> {
  const shape = shapeOf(shapeName);
  const batches = batchesOf({ kind, queries, count: 1, vocabulary: shape.vocabulary });
  const { gpu, collect } = profiled(host.gpu);
  const engine = await openDecoy(watched(gpu));
  const job = await engine.open({ shape, weights: madeUpWeights(shape), batches, groups: 1 });
  await job.step(0);
  await collect();
  const start = performance.now();
  await job.step(0);
  const wall = (performance.now() - start) / 1000;
  const kernels = await collect();
  await job.dispose();
  engine.dispose();
  const seconds = kernels.reduce((sum, { milliseconds }) => sum + milliseconds / 1000, 0);
  return { shape: shapeName, batch: kind, tokens: batches[0]?.tokens ?? 0, wall, gpu: seconds, kernels };
}

export async function profilesOf({ shapes, batches }: Options, queries: number, host: Host): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for (const shape of shapes) {
    for (const kind of batches) {
      host.say(`${shape} ${kind}`);
      profiles.push(await profileOf(shape, kind, queries, host));
    }
  }
  return profiles;
}
