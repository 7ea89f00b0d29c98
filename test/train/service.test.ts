import { expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { openFolder } from "../../src/encoder/folder.ts";
import { createEncoder, PoolingNotPossible } from "../../src/train/service.ts";
import { floatsMade } from "../support/countedSources.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { staticEncoder } from "../support/staticEncoder.ts";

const config = parseConfig({});
const noGpu = () => Promise.reject(new Error("There is no WebGPU here."));
const stages = () => createEncoder({ cpu: createCpuEngine, webgpu: noGpu });
const folder = tinyEncoder();
const open = async (encoder: ReturnType<typeof stages>, given = folder) =>
  (await finish(encoder.open({ folder: given, engine: "cpu" }))).model;
const norm = (vector: Float32Array) => Math.hypot(...vector);

test("auto falls back to the CPU engine and says why", async () => {
  const opened = await finish(stages().open({ folder, engine: "auto" }));
  expect(opened.engine.kind).toBe("cpu");
  expect(opened.engine.note).toContain("There is no WebGPU here.");
});

test("auto does not take WebGPU in software, and frees it", async () => {
  let disposed = 0;
  const software = async (): Promise<Engine> => ({
    ...(await createCpuEngine()),
    info: { kind: "webgpu", device: "SwiftShader (software)", note: "" },
    dispose: () => void disposed++,
  });
  const opened = await finish(
    createEncoder({ cpu: createCpuEngine, webgpu: software }).open({ folder, engine: "auto" }),
  );
  expect(opened.engine.kind).toBe("cpu");
  expect(opened.engine.note).toContain("software");
  expect(disposed).toBe(1);
});

test("an engine that was asked for by name is not replaced", async () => {
  await expect(finish(stages().open({ folder, engine: "webgpu" }))).rejects.toThrow("no WebGPU");
});

test("a failed start can be tried again", async () => {
  let tries = 0;
  const encoder = createEncoder({ cpu: () => (tries++ === 0 ? noGpu() : createCpuEngine()), webgpu: noGpu });
  await expect(open(encoder)).rejects.toThrow();
  expect(await open(encoder)).toBe(1);
});

test("encodes to unit vectors, in order, whatever the batch", async () => {
  const encoder = stages();
  const model = await open(encoder);
  const texts = ["the cat sat on the mat", "salt", "the moon ran", "cat", "salt"];
  const { dimensions, values } = await finish(encoder.encode({ model, texts, kind: "document", config }));
  const row = (i: number) => values.subarray(i * dimensions, (i + 1) * dimensions);
  expect(values.length).toBe(texts.length * dimensions);
  for (const i of texts.keys()) expect(norm(row(i))).toBeCloseTo(1, 5);
  expect(row(4)).toEqual(row(1));
  const alone = await finish(encoder.encode({ model, texts: ["the moon ran"], kind: "document", config }));
  for (const [i, x] of alone.values.entries()) expect(x).toBeCloseTo(row(2)[i] ?? NaN, 5);
});

test("the recipe's prefix, length and pooling win over the encoder's own", async () => {
  const encoder = stages();
  const model = await open(
    encoder,
    tinyEncoder({ "config_sentence_transformers.json": { prompts: { query: "moon " } } }),
  );
  const vector = async (text: string, kind: "query" | "document", over = {}) =>
    (await finish(encoder.encode({ model, texts: [text], kind, config: parseConfig(over) }))).values;
  const [own, prefixed] = [await vector("cat", "query"), await vector("moon cat", "document")];
  expect(own).toEqual(prefixed);
  expect(await vector("cat", "query", { queryPrefix: "" })).not.toEqual(own);
  expect(await vector("cat dog sea", "document", { maxDocumentTokens: 3 })).toEqual(await vector("cat", "document"));
  expect(await vector("cat", "document", { pooling: "cls" })).not.toEqual(await vector("cat", "document"));
  expect(await vector("moon cat", "document")).toEqual(prefixed);
});

test("an exported folder opens and gives the same vectors", async () => {
  const encoder = stages();
  const model = await open(encoder);
  const exported = await finish(
    encoder.export({ model, config: parseConfig({ pooling: "cls", queryPrefix: "sea " }) }),
  );
  const again = await open(encoder, exported);
  const vectors = async (handle: number, over = {}) =>
    (
      await finish(
        encoder.encode({ model: handle, texts: ["dog", "salt mat"], kind: "query", config: parseConfig(over) }),
      )
    ).values;
  expect(await vectors(again)).toEqual(await vectors(model, { pooling: "cls", queryPrefix: "sea " }));
});

test("restore puts other weights in place", async () => {
  const encoder = stages();
  const [model, other] = [await open(encoder), await open(encoder)];
  const data = {
    queries: ["cat"],
    documents: ["cat mat", "dog"],
    rows: [{ query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" as const }] }],
  };
  const recipe = parseConfig({ steps: 2, warmup: 0, learningRate: 0.01 });
  const trained = await finish(encoder.train({ model, data, config: recipe, checkpointEvery: Infinity }));
  const vector = async (handle: number) =>
    (await finish(encoder.encode({ model: handle, texts: ["cat"], kind: "query", config }))).values;
  expect(await vector(other)).not.toEqual(await vector(model));
  await finish(encoder.restore({ model: other, checkpoint: trained.checkpoint }));
  expect(await vector(other)).toEqual(await vector(model));
});

test("trains on what it finds in the corpus, with the encoder's own vectors", async () => {
  const encoder = stages();
  const model = await open(encoder);
  const corpus = ["cat mat", "dog", "salt sea", "the moon", "tide"];
  const vectors = await finish(encoder.encode({ model, texts: corpus, kind: "document", config }));
  const data = { queries: ["cat"], documents: ["cat mat"], rows: [{ query: 0, positive: 0, negatives: [] }] };
  const recipe = parseConfig({ steps: 3, probes: 1 });
  const requests = [{ source: "ance" as const, count: 2, first: 1, last: 2, every: 2 }];
  const refresh = { requests, corpus, vectors, excluded: [[0]] };
  const kinds: string[] = [];
  const tokens: number[] = [];
  for await (const report of encoder.train({ model, data, config: recipe, refresh, checkpointEvery: Infinity })) {
    if (report.kind !== "progress") kinds.push(report.kind);
    if (report.kind === "step") tokens.push(report.step.tokens);
  }
  expect(kinds).toEqual(["refreshed", "step", "step", "probe", "refreshed", "step"]);
  // The query, the positive and two negatives, each between [CLS] and [SEP].
  expect(Math.min(...tokens)).toBeGreaterThanOrEqual(3 + 4 + 2 * 3);
});

test("a static encoder opens, encodes, trains, comes out and opens again", async () => {
  const encoder = createEncoder({ cpu: createCpuEngine, webgpu: noGpu });
  const { model, card, engine } = await finish(encoder.open({ folder: staticEncoder(""), engine: "cpu" }));
  expect([card.shape.family, card.pooling, engine.device]).toEqual(["static", "mean", "1 thread"]);
  const vectors = async (handle: number, texts: string[]) =>
    (await finish(encoder.encode({ model: handle, texts, kind: "document", config }))).values;
  const nothing = await vectors(model, ["", "  ", "☃"]);
  expect(norm(nothing.subarray(0, 6))).toBeCloseTo(1, 5);
  expect(nothing.subarray(0, 6)).toEqual(nothing.subarray(12));

  const data = {
    queries: ["cat mat"],
    documents: ["the cat sat", "dog"],
    rows: [{ query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" as const }] }],
  };
  const recipe = parseConfig({ steps: 20, warmup: 0, learningRate: 0.05, pooling: "mean" });
  const losses: number[] = [];
  for await (const report of encoder.train({ model, data, config: recipe, checkpointEvery: Infinity })) {
    if (report.kind === "step") losses.push(report.step.loss);
  }
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) / 2);
  const exported = await finish(encoder.export({ model, config: recipe }));
  const again = await open(encoder, exported);
  const texts = ["moon tide", "cat", ""];
  expect(await vectors(again, texts)).toEqual(await vectors(model, texts));
});

test("a static encoder does not take the first token's vector, and says what to do", async () => {
  const encoder = stages();
  const model = await open(encoder, staticEncoder());
  const asked = finish(
    encoder.encode({ model, texts: ["cat"], kind: "query", config: parseConfig({ pooling: "cls" }) }),
  );
  await expect(asked).rejects.toThrow(PoolingNotPossible);
  await expect(asked).rejects.toThrow(/"cls".*tiny static.*Set pooling to mean/u);
});

test("a closed model is gone", async () => {
  const encoder = stages();
  const model = await open(encoder);
  await finish(encoder.close({ model }));
  await expect(finish(encoder.encode({ model, texts: ["cat"], kind: "query", config }))).rejects.toThrow(
    "no model is open",
  );
});

test("opened from blobs, an encoder is in memory once", async () => {
  const { files } = folder;
  const blobs = Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, new Blob([bytes])]));
  const encoder = stages();
  const bytes = 4 * openFolder(folder).table.floats;
  const open = () => finish(encoder.open({ folder: { name: "tiny", files: blobs }, engine: "cpu" }));
  const made = await floatsMade(open);
  expect(made).toBeGreaterThanOrEqual(bytes);
  expect(made).toBeLessThan(1.5 * bytes);
});

test("predicts what training takes, and refuses what would train nothing", async () => {
  const encoder = stages();
  const { card } = openFolder(tinyEncoder());
  const predict = async (over = {}) =>
    (await finish(encoder.predict({ card, engine: "cpu", config: parseConfig(over) }))).memory;
  const usual = await predict();
  expect(usual.total).toBe(usual.weights + usual.adapters + usual.gradient + usual.moments + usual.activations);
  expect((await predict({ batchSize: 64 })).activations).toBeGreaterThan(usual.activations);
  expect((await predict({ lora: {} })).moments).toBeLessThan(usual.moments);
  await expect(predict({ frozenLayers: 99 })).rejects.toThrow("nothing would train");
});
