/** What the encoder thread serves after not all of an encoder was trained: each weight, vector and folder on its side. */
import { expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { openFolder } from "../../src/encoder/folder.ts";
import { withTrained } from "../../src/encoder/trained.ts";
import { createEncoder } from "../../src/train/service.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { staticEncoder } from "../support/staticEncoder.ts";

const stages = () => createEncoder({ cpu: createCpuEngine, webgpu: () => Promise.reject(new Error("none")) });
type Encoder = ReturnType<typeof stages>;
const folder = tinyEncoder();
const open = async (encoder: Encoder, given = folder) =>
  (await finish(encoder.open({ folder: given, engine: "cpu" }))).model;

const data = {
  queries: ["cat", "salt"],
  documents: ["cat mat", "dog", "salt sea", "the moon"],
  rows: [
    { query: 0, positive: 0, negatives: [{ document: 1, source: "bm25" as const }] },
    { query: 1, positive: 2, negatives: [{ document: 3, source: "bm25" as const }] },
  ],
};
const recipe = (over: ConfigInput) => parseConfig({ steps: 3, warmup: 0, learningRate: 0.01, probes: 0, ...over });
type Recipe = ReturnType<typeof recipe>;
const train = (encoder: Encoder, model: number, config: Recipe, over = {}) =>
  finish(encoder.train({ model, data, config, checkpointEvery: Infinity, ...over }));

const texts = ["cat mat", "the moon ran", "salt"];
const vectors = async (encoder: Encoder, model: number, kind: "query" | "document", config: Recipe) =>
  (await finish(encoder.encode({ model, texts, kind, config }))).values;

const dev = {
  corpus: data.documents,
  ids: data.documents.map((_, i) => `d${i}` as never),
  queries: [{ id: "q" as never, text: "moon" }],
  judgements: [{ queryId: "q" as never, documentId: "d3" as never, grade: 1 }],
};

test.each([
  ["LoRA", { lora: { rank: 2 } }],
  ["frozen embeddings", { frozenLayers: 0 }],
  ["LoRA, the best on dev", { lora: {}, best: { every: 1 } }],
] as const)("%s: what is measured, restored and exported is one encoder, bit for bit", async (_, over) => {
  const encoder = stages();
  const [model, other] = [await open(encoder), await open(encoder)];
  const config = recipe(over);
  const start = await finish(encoder.encode({ model, texts: data.documents, kind: "document", config }));
  const { checkpoint } = await train(encoder, model, config, { dev: { ...dev, vectors: start } });
  expect(checkpoint.tuning).toBeDefined();
  const { card, weights } = openFolder(folder);
  expect(checkpoint.weights.length).toBeLessThan(weights.length);
  const trained = await vectors(encoder, model, "query", config);
  await finish(encoder.restore({ model: other, checkpoint }));
  expect(await vectors(encoder, other, "query", config)).toEqual(trained);
  const exported = await finish(encoder.export({ model, config }));
  expect(openFolder(exported).weights).toEqual(withTrained(card.shape, weights, checkpoint));
  expect(await vectors(encoder, await open(encoder, exported), "query", config)).toEqual(trained);
  if (checkpoint.best) expect(checkpoint.weights).toEqual(checkpoint.best.weights);
  else expect(await vectors(encoder, await open(encoder), "query", config)).not.toEqual(trained);
});

/** An engine whose models are of no use once they were trained: the weights must come from the checkpoint. */
async function forgetfulEngine(): Promise<Engine> {
  const engine = await createCpuEngine();
  return {
    ...engine,
    async createModel(given) {
      const model = await engine.createModel(given);
      let trained = false;
      return {
        shape: model.shape,
        embed: async (texts) => (trained ? new Float32Array((await model.embed(texts)).length) : model.embed(texts)),
        weights: async () => (trained ? (await model.weights()).fill(0) : model.weights()),
        dispose: () => model.dispose(),
        createTrainer: (settings) => {
          trained = true;
          return model.createTrainer(settings);
        },
      };
    },
  };
}

test("where not all trains, what is measured and exported is made of the checkpoint, not left to the engine", async () => {
  const encoder = createEncoder({ cpu: forgetfulEngine, webgpu: () => Promise.reject(new Error("none")) });
  const [model, other] = [await open(encoder), await open(encoder)];
  const config = recipe({ lora: {} });
  const { checkpoint } = await train(encoder, model, config);
  await finish(encoder.restore({ model: other, checkpoint }));
  expect(await vectors(encoder, model, "query", config)).toEqual(await vectors(encoder, other, "query", config));
  expect(Math.hypot(...(await vectors(encoder, model, "query", config)).subarray(0, 8))).toBeCloseTo(1, 5);
});

test("a recipe under which nothing would train is refused before anything is read", async () => {
  const encoder = stages();
  const model = await open(encoder, staticEncoder());
  await expect(vectors(encoder, model, "query", recipe({ lora: {} }))).rejects.toThrow("Leave LoRA out");
  await expect(vectors(encoder, await open(encoder), "query", recipe({ frozenLayers: 1 }))).rejects.toThrow(
    "Freeze at most 0",
  );
});

test("training begins with the encoder as it was opened, whatever was done to it since", async () => {
  const encoder = stages();
  const model = await open(encoder);
  const config = recipe({ side: "queries" });
  const first = await train(encoder, model, config);
  expect((await train(encoder, model, config)).checkpoint).toEqual(first.checkpoint);
  await finish(encoder.restore({ model, checkpoint: first.checkpoint }));
  expect((await train(encoder, model, config)).checkpoint).toEqual(first.checkpoint);
});

const side = (name: string, { files, ...rest }: EncoderFolder): EncoderFolder => ({
  ...rest,
  files: Object.fromEntries(
    Object.entries(files).flatMap(([path, bytes]) =>
      path.startsWith(`${name}/`) ? [[path.slice(name.length + 1), bytes]] : [],
    ),
  ),
});

test.each([{ pooling: "cls" as const }, { lora: {} }, {}])(
  "queries alone, %j: documents are read by the encoder as it was opened, and there are two folders",
  async (over) => {
    const encoder = stages();
    const [model, other] = [await open(encoder), await open(encoder)];
    const config = recipe({ side: "queries", queryPrefix: "sea ", ...over });
    const documents = await vectors(encoder, model, "document", config);
    const queries = await vectors(encoder, model, "query", config);
    const { checkpoint } = await train(encoder, model, config);
    const trained = await vectors(encoder, model, "query", config);
    expect(trained).not.toEqual(queries);
    expect(await vectors(encoder, model, "document", config)).toEqual(documents);
    // Both sides read as the trained one does where both train.
    expect(await vectors(encoder, model, "document", { ...config, side: "both" })).not.toEqual(documents);
    await finish(encoder.restore({ model: other, checkpoint }));
    expect(await vectors(encoder, other, "query", config)).toEqual(trained);
    expect(await vectors(encoder, other, "document", config)).toEqual(documents);

    const exported = await finish(encoder.export({ model, config, readme: "# card" }));
    expect(new TextDecoder().decode(exported.files["README.md"])).toBe("# card");
    const plain = parseConfig({});
    const [ofQueries, ofDocuments] = [side("queries", exported), side("documents", exported)];
    expect(await vectors(encoder, await open(encoder, ofQueries), "query", plain)).toEqual(trained);
    expect(await vectors(encoder, await open(encoder, ofDocuments), "document", plain)).toEqual(documents);
    const silent = await finish(encoder.export({ model, config }));
    expect(new TextDecoder().decode(silent.files["README.md"])).toContain('documents with the one in "documents"');
  },
);
