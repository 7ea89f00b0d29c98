import { expect, test } from "vitest";
import { compare } from "../../bench/compare.ts";
import type { EngineName } from "../../bench/engines/engine.ts";
import { openEngine } from "../../bench/engines/open.ts";
import { madeUpWeights } from "../../bench/numbers.ts";
import { trialOf, type Trial } from "../../bench/trial.ts";
import { shapeOf, smallBatch } from "../../bench/work.ts";
import { hasHalf, vulkanGpu } from "../support/device.ts";

const shape = shapeOf("1x32");
const batch = smallBatch(shape.vocabulary);

async function tryOut(name: EngineName): Promise<Trial> {
  const engine = await openEngine(name, await vulkanGpu());
  return trialOf(engine, { shape, weights: madeUpWeights(shape), batches: [batch], groups: 1 });
}

test("our engine and jax-js take the same two steps and encode alike", async () => {
  const [ours, peer] = [await tryOut("decoy"), await tryOut("jax-js")];
  // PyTorch 1.13 in float32 on the same numbers (bench/torch_step.py), before each update: the second shows the first update.
  const truth = [
    { loss: 0.9600124, gradNorm: 5.3989515 },
    { loss: 0.923849, gradNorm: 5.3140483 },
  ];
  truth.forEach(({ loss, gradNorm }, i) => {
    expect(ours.outcomes[i]?.loss).toBeCloseTo(loss, 5);
    expect(ours.outcomes[i]?.gradNorm).toBeCloseTo(gradNorm, 3);
  });

  const check = compare(ours, peer, { shape: "1x32", batch: "real" });
  expect(check).toMatchObject({ engine: "jax-js", agrees: true });
  // What is compared can disagree.
  const other = {
    ...peer,
    outcomes: [peer.outcomes[0], { ...peer.outcomes[1], loss: peer.outcomes[0].loss }] as const,
  };
  expect(compare(ours, other, { shape: "1x32", batch: "real" }).agrees).toBe(false);
  expect(compare(ours, { ...peer, embedding: new Float32Array() }, { shape: "1x32", batch: "real" }).agrees).toBe(
    false,
  );

  expect(ours.engine.watch.read().heldBytes).toBeGreaterThan(0);
  await peer.job.dispose();
  await ours.job.dispose();
  ours.engine.dispose();
  expect(ours.engine.watch.read().heldBytes).toBe(0);
}, 180_000);

test("our engine in f16 takes nearly the steps that it takes in f32, or says that the adapter has none", async () => {
  if (!(await hasHalf())) {
    await expect(openEngine("decoy-f16", await vulkanGpu())).rejects.toThrow("has no shader-f16");
    return;
  }
  const [ours, peer] = [await tryOut("decoy"), await tryOut("decoy-f16")];
  const check = compare(ours, peer, { shape: "1x32", batch: "real" });
  expect(check).toMatchObject({ engine: "decoy-f16", agrees: true });
  expect(check.loss).toBeGreaterThan(0);
  for (const { job, engine } of [ours, peer]) {
    await job.dispose();
    engine.dispose();
  }
}, 180_000);
