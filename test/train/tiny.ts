/** A tiny encoder, a corpus in made-up words, and a model that writes down what it is trained on. */
import { random } from "../../src/base/random.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { EncoderShape, Vectors } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch, Engine, Model } from "../../src/domain/engine.ts";
import type { Refresh, TrainingSet, TrainReport } from "../../src/domain/training.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { packTexts, type Tokenize } from "../../src/train/batch.ts";
import { train, type TrainInput } from "../../src/train/train.ts";

export type Arena = Float32Array<ArrayBuffer>;

export const shape: EncoderShape = {
  family: "bert",
  layers: 1,
  hidden: 8,
  heads: 2,
  intermediate: 12,
  vocabulary: 40,
  positions: 16,
  types: 2,
  layerNormEpsilon: 1e-12,
};

export function startWeights(): Arena {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const tensor of table.tensors) {
    const source = random(11, tensor.name);
    const middle = tensor.name.endsWith("LayerNorm.weight") ? 1 : 0;
    for (let i = 0; i < size(tensor.shape); i++) weights[tensor.offset + i] = middle + 0.4 * source.normal();
  }
  return weights;
}

/** Some weights that a step of rate 0 could change all the same: −0, and numbers too small for many GPUs. */
export function touchyWeights(): Arena {
  const weights = startWeights();
  for (let k = 3; k < 90; k += 7) weights[k] = -0;
  for (let k = 5; k < 90; k += 7) weights[k] = 1e-40;
  return weights;
}
export const bits = (weights: Arena) => new Uint32Array(weights.buffer);

/** "3 17 5" are the tokens 3, 17 and 5, after one that tells a query from a document. */
export const tokenize: Tokenize = (text, kind) => [kind === "query" ? 1 : 2, ...text.split(" ").map(Number)];

const source = random(4, "texts");
const words = (count: number) => Array.from({ length: count }, () => 3 + source.integer(37)).join(" ");
const sentences = Array.from({ length: 30 }, (_, i) => words(2 + (i % 5)));
/** Document 20 has the words of document 7. */
export const corpus = sentences.map((text, i) => (i === 20 ? (sentences[7] ?? "") : text));

const written = [words(4), words(3)];
/** Ten rows of eight queries; the positive of row r is document r; 0 to 2 negatives of their own, one of them written. */
export const data: TrainingSet = {
  queries: Array.from({ length: 8 }, () => words(3)),
  documents: [...corpus, ...written],
  rows: Array.from({ length: 10 }, (_, row) => ({
    query: row % 8,
    positive: row,
    negatives: [
      ...(row % 3 === 0 ? [{ document: 12 + row, source: "bm25" as const }] : []),
      ...(row % 4 === 0 ? [{ document: 30 + (row % 2), source: "synthetic" as const }] : []),
    ],
  })),
};

/** Unit vectors that no encoder made: whoever uses them can be told from whoever encodes. */
function madeUpVectors(): Vectors {
  const normals = random(6, "vectors");
  const rows = corpus.map(() => {
    const row = Array.from({ length: shape.hidden }, () => normals.normal());
    return row.map((value) => value / Math.hypot(...row));
  });
  return { dimensions: shape.hidden, values: Float32Array.from(rows.flat()) };
}

/** Row r's judged documents are its positive and document 25; row 1 may not get document 7 either, nor its twin. */
export const refreshOf = (requests: Refresh["requests"]): Refresh => ({
  requests,
  corpus,
  vectors: madeUpVectors(),
  excluded: data.rows.map((row, i) => [row.positive, 25, ...(i === 1 ? [7] : [])]),
});

export const input = (config: ConfigInput, over: Partial<TrainInput> = {}): TrainInput => ({
  data,
  config: parseConfig({ batchSize: 3, warmup: 0, learningRate: 0.02, inBatch: false, probes: 0, ...config }),
  tokenize,
  checkpointEvery: Infinity,
  ahead: 1,
  peakBytes: () => 0,
  ...over,
});

export async function collect(stage: ReturnType<typeof train>) {
  const reports: TrainReport[] = [];
  let result = await stage.next();
  for (; !result.done; result = await stage.next()) reports.push(result.value);
  return { reports, outcome: result.value };
}

export const open = (engine: Engine, weights = startWeights()): Promise<Model> =>
  engine.createModel({ shape, pooling: "mean", weights });

/** A step as the engine got it: for each query its words, and those of its candidates. */
export interface SeenStep {
  /** Before the step. */
  readonly weights: Arena;
  readonly rows: readonly { readonly query: string; readonly candidates: readonly string[] }[];
}

function wordsOf({ texts, queries, offsets, candidates }: ContrastiveBatch): SeenStep["rows"] {
  const text = (s = -1) => texts.tokenIds.slice((texts.cuSeqlens[s] ?? 0) + 1, texts.cuSeqlens[s + 1]).join(" ");
  return Array.from(queries, (query, b) => ({
    query: text(query),
    candidates: Array.from(candidates.slice(offsets[b], offsets[b + 1]), (candidate) => text(candidate)),
  }));
}

/** Trains a new model; only with `ahead` 1 do the weights belong to their steps. */
export async function watchedTraining(engine: Engine, given: TrainInput) {
  const model = await open(engine);
  const seen: SeenStep[] = [];
  const watched: Model = {
    shape: model.shape,
    embed: (texts) => model.embed(texts),
    weights: () => model.weights(),
    dispose: () => model.dispose(),
    async createTrainer(settings) {
      const trainer = await model.createTrainer(settings);
      return {
        async step(batch, rate) {
          const batches = "texts" in batch ? [batch] : batch;
          seen.push({ weights: await model.weights(), rows: batches.flatMap(wordsOf) });
          return trainer.step(batch, rate);
        },
        gradient: () => trainer.gradient(),
        checkpoint: () => trainer.checkpoint(),
        restore: (checkpoint) => trainer.restore(checkpoint),
        dispose: () => trainer.dispose(),
      };
    },
  };
  const { reports, outcome } = await collect(train(watched, given));
  model.dispose();
  return { seen, reports, outcome };
}

/** Vectors of texts by given weights, one text at a time. */
export async function vectorsBy(
  engine: Engine,
  weights: Arena,
  texts: readonly string[],
  kind: "query" | "document",
): Promise<readonly Arena[]> {
  const model = await open(engine, weights);
  const vectors: Arena[] = [];
  for (const text of texts) vectors.push(await model.embed(packTexts([tokenize(text, kind)])));
  model.dispose();
  return vectors;
}
