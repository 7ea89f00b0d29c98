/**
 * The CPU engine, in tokens a second and GFLOP/s on one thread:
 *   node tools/run.mjs bench/cpu.ts [LAYERSxWIDTH …]
 * A batch of 16 queries with 6 passages of about 100 tokens each, embedded and trained on, turn by turn. Processor seconds,
 * so that other work on the machine counts little; the best of three turns, after one that does not count.
 */
import { random } from "../src/base/random.ts";
import type { BertShape } from "../src/domain/encoder.ts";
import type { ContrastiveBatch, TrainerSettings } from "../src/domain/engine.ts";
import { createCpuEngine } from "../src/encoder/cpu.ts";
import { parameterTable, size } from "../src/encoder/parameters.ts";

const turns = 3;
const [queries, passages] = [16, 6];

const base = { family: "bert", vocabulary: 12_288, positions: 512, types: 2, layerNormEpsilon: 1e-12 } as const;
const shapes: Readonly<Record<string, BertShape>> = {
  "2x128": { ...base, layers: 2, hidden: 128, heads: 2, intermediate: 512 },
  "2x320": { ...base, layers: 2, hidden: 320, heads: 5, intermediate: 640 },
  "4x384": { ...base, layers: 4, hidden: 384, heads: 12, intermediate: 1536 },
  "6x384": { ...base, layers: 6, hidden: 384, heads: 12, intermediate: 1536 },
};
const settings: TrainerSettings = { temperature: 0.05, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, clip: 1 };

function randomWeights(shape: BertShape): Float32Array<ArrayBuffer> {
  const table = parameterTable(shape);
  const weights = new Float32Array(table.floats);
  for (const { name, offset, shape: dims } of table.tensors) {
    const source = random(1, name);
    const middle = name.endsWith("LayerNorm.weight") ? 1 : 0;
    for (let i = 0; i < size(dims); i++) weights[offset + i] = middle + 0.05 * source.normal();
  }
  return weights;
}

/** Text 7q is a query of 8 to 19 tokens, the six after it are its candidates of 70 to 129. */
function randomBatch({ vocabulary }: BertShape): ContrastiveBatch {
  const source = random(5);
  const cuSeqlens = new Int32Array(queries * (1 + passages) + 1);
  for (let text = 0; text + 1 < cuSeqlens.length; text++) {
    const isQuery = text % (1 + passages) === 0;
    cuSeqlens[text + 1] = (cuSeqlens[text] ?? 0) + (isQuery ? 8 + source.integer(12) : 70 + source.integer(60));
  }
  return {
    texts: {
      tokenIds: Int32Array.from({ length: cuSeqlens.at(-1) ?? 0 }, () => source.integer(vocabulary)),
      cuSeqlens,
    },
    queries: Int32Array.from({ length: queries }, (_, q) => q * (1 + passages)),
    offsets: Int32Array.from({ length: queries + 1 }, (_, q) => q * passages),
    candidates: Int32Array.from({ length: queries * passages }, (_, i) => i + 1 + Math.floor(i / passages)),
  };
}

/** Multiplications and additions of the forward pass; a step has three times as many. */
function operations({ layers, hidden, intermediate }: BertShape, { texts: { cuSeqlens } }: ContrastiveBatch): number {
  const lengths = Array.from(cuSeqlens.subarray(1), (end, text) => end - (cuSeqlens[text] ?? 0));
  const ofToken = 2 * (4 * hidden ** 2 + 2 * hidden * intermediate);
  return layers * lengths.reduce((sum, length) => sum + length * ofToken + 4 * hidden * length ** 2, 0);
}

async function processorSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function measure(name: string, shape: BertShape): Promise<void> {
  const engine = await createCpuEngine();
  const model = await engine.createModel({ shape, pooling: "mean", weights: randomWeights(shape) });
  const trainer = await model.createTrainer(settings);
  const batch = randomBatch(shape);
  const best = { embed: Infinity, train: Infinity };
  for (let turn = 0; turn <= turns; turn++) {
    const embed = await processorSeconds(() => model.embed(batch.texts));
    const train = await processorSeconds(() => trainer.step(batch, 1e-5));
    if (turn === 0) continue;
    best.embed = Math.min(best.embed, embed);
    best.train = Math.min(best.train, train);
  }
  const tokens = batch.texts.tokenIds.length;
  const words = (seconds: number, passes: number) =>
    `${seconds.toFixed(2)} s, ${Math.round(tokens / seconds)} tokens/s, ` +
    `${((passes * operations(shape, batch)) / seconds / 1e9).toFixed(1)} GFLOP/s`;
  console.log(`${name}, ${tokens} tokens\n  embed ${words(best.embed, 1)}\n  train ${words(best.train, 3)}`);
  console.log(`  at most ${Math.round(engine.peakBytes() / 2 ** 20)} MiB`);
}

export async function main(given: readonly string[]): Promise<number> {
  for (const name of given.length > 0 ? given : Object.keys(shapes)) {
    const shape = shapes[name];
    if (!shape) {
      console.error(`no shape ${name}; there are ${Object.keys(shapes).join(", ")}`);
      return 2;
    }
    await measure(name, shape);
  }
  return 0;
}
