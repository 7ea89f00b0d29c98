/** Each family from its folder through both engines and back: read, embed, train, write, read again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine, TrainerSettings } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { openFolder, writeFolder, type OpenFolder } from "../../src/encoder/folder.ts";
import { contrastiveBatch, packTexts } from "../../src/train/batch.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { familyFolder, familyNames } from "../support/families.ts";

let engines: readonly [cpu: Engine, webgpu: Engine];
beforeAll(async () => {
  engines = [await createCpuEngine(), await createWebGpuEngine({ gpu: await vulkanGpu() })];
}, 120_000);
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

/** An epsilon beside which the rounding in a gradient near 0 is nothing: the steps agree in every weight. */
const epsilon = 1e-4;
const settings: TrainerSettings = { temperature: 0.1, betas: [0.9, 0.999], epsilon, weightDecay: 0.01, clip: 1 };
const long = "the cat sat on the mat and the dog ran to the salt sea ".repeat(9);
const documents = ["the cat sat", "a tide", long, "moon", "the dog ran on the mat", `sea ${long}`];
const rows = [0, 1, 2].map((query) => ({
  query,
  positive: query,
  negatives: [{ document: 3 + query, source: "random" as const }],
}));

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? NaN))), 0);

/** Two steps on the folder's own tokens. */
async function trained(engine: Engine, { card, weights, tokenizer }: OpenFolder) {
  const encode = (text: string) => tokenizer.encode(text, card.maxTokens);
  const batch = contrastiveBatch(
    { queries: ["salt", "dog on mat", "the the moon"], documents, rows },
    rows,
    { inBatch: true, mask: false },
    encode,
  );
  const model = await engine.createModel({ shape: card.shape, pooling: card.pooling, weights });
  const embeddings = await model.embed(packTexts(documents.map(encode)));
  const trainer = await model.createTrainer(settings);
  const steps = [await trainer.step(batch, 1e-3), await trainer.step(batch, 1e-3)];
  const after = await model.weights();
  trainer.dispose();
  model.dispose();
  return { embeddings, steps, after };
}

test.each(familyNames)("%s", async (family) => {
  const opened = openFolder(familyFolder(family));
  expect(opened.tokenizer.encode(long, opened.card.maxTokens)).toHaveLength(40);
  const [cpu, webgpu] = [await trained(engines[0], opened), await trained(engines[1], opened)];
  expect(worst(cpu.embeddings, webgpu.embeddings)).toBeLessThan(1e-5);
  cpu.steps.forEach(({ loss, gradNorm }, i) => {
    expect((webgpu.steps[i]?.loss ?? NaN) / loss).toBeCloseTo(1, 4);
    expect((webgpu.steps[i]?.gradNorm ?? NaN) / gradNorm).toBeCloseTo(1, 4);
  });
  expect(worst(cpu.after, webgpu.after)).toBeLessThan(1e-5);
  expect(worst(cpu.after, opened.weights)).toBeGreaterThan(1e-3);

  const changes = { pooling: "mean", queryPrefix: "", documentPrefix: "" } as const;
  const again = openFolder(writeFolder(opened, { ...changes, weights: webgpu.after }));
  expect(again.weights).toEqual(webgpu.after);
  expect(again.card).toEqual(opened.card);
});
