/** Dropout in a step: what is dropped where, and that the way back goes through the same holes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../../../src/base/random.ts";
import type { Dropout } from "../../../src/domain/engine.ts";
import { dropHash, dropThreshold, sites } from "../../../src/encoder/dropout.ts";
import { parameterTable, size } from "../../../src/encoder/parameters.ts";
import { trainedTable, withTrained } from "../../../src/encoder/trained.ts";
import { error } from "../../support/kernels.ts";
import {
  bitsOf,
  programBench,
  randomWeights,
  shapeNames,
  shapes,
  someTexts,
  upstream,
  type ProgramBench,
  type ProgramInput,
} from "../../support/program.ts";

let bench: ProgramBench;
beforeAll(async () => {
  bench = await programBench();
}, 120_000);
afterAll(() => {
  bench.dispose();
});

const dropout: Dropout = { hidden: 0.2, attention: 0.3 };
const seed = 4_000_000_001;

/** Σ upstream · embedding. */
async function loss(input: ProgramInput): Promise<number> {
  const { embedding } = await bench.run({ ...input, forwardOnly: true });
  const weights = upstream(someTexts(input.shape), input.shape);
  return embedding.reduce((total, value, i) => total + value * (weights[i] ?? NaN), 0);
}

describe.each(shapeNames)("%s", (name) => {
  const shape = { ...shapes[name], layers: name === "mpnet" ? 1 : 2 };
  const input = { shape, dropout, counts: { seed } };
  const { hidden: H } = shape;

  test("zeros where the hash says", async () => {
    const firstToken = 11;
    const { activation } = await bench.run({ ...input, counts: { seed, firstToken } });
    const drops = (site: number) =>
      Array.from({ length: someTexts(shape).tokenIds.length * H }, (_, i) => {
        const row = firstToken + Math.floor(i / H);
        return dropHash({ seed, site, row, column: i % H }) < dropThreshold(0.2);
      });
    const same = (a: string, b?: string) => {
      const other = b === undefined ? undefined : activation(b);
      return Array.from(activation(a), (value, i) => value === (other?.[i] ?? 0));
    };
    expect(same("embeddings.output")).toEqual(drops(sites.embeddings));
    for (let i = 0; i < shape.layers; i++) {
      const from = i === 0 ? "embeddings.output" : `layer.${i - 1}.output`;
      const [sum, middle, result] =
        shape.family === "bert" ? ["attention.sum", "attention.output", "sum"] : ["middle", "middle", "output"];
      expect(same(`layer.${i}.${sum}`, from)).toEqual(drops(sites.attentionOutput(i)));
      expect(same(`layer.${i}.${result}`, `layer.${i}.${middle}`)).toEqual(drops(sites.output(i)));
    }
  }, 240_000);

  test("the gradient is the derivative under the same seed", async () => {
    const weights = randomWeights(shape);
    const { gradient } = await bench.run({ ...input, weights });
    const regions = Object.values(parameterTable(shape).regions);
    const last = `layer.${shape.layers - 1}.`;
    const kinds = regions.filter(({ name: region }) => !region.startsWith("layer.") || region.startsWith(last));
    for (const { name: region, offset, shape: of } of kinds) {
      const source = random(8, region);
      const direction = Float64Array.from({ length: size(of) }, () => source.normal());
      const along = gradient[region]?.reduce((total, g, i) => total + g * (direction[i] ?? NaN), 0) ?? NaN;
      const norm = Math.hypot(...(gradient[region] ?? [])) * Math.hypot(...direction);
      const step = 0.02 / Math.sqrt(size(of));
      const moved = (by: number) => {
        const to = weights.slice();
        direction.forEach((value, i) => (to[offset + i] = (to[offset + i] ?? NaN) + by * value));
        return loss({ ...input, weights: to });
      };
      const slope = ((await moved(step)) - (await moved(-step))) / (2 * step);
      expect(Math.abs(slope - along) / Math.max(norm / Math.sqrt(size(of)), 1e-2), region).toBeLessThan(0.02);
    }
  }, 240_000);

  test("the same seed gives the same bits, made again or not, another seed other ones", async () => {
    const first = await bench.run(input);
    const names = Object.keys(first.gradient);
    expect(first.embedding).not.toEqual(first.embedded);
    expect(bitsOf((await bench.run(input)).gradient, names)).toEqual(bitsOf(first.gradient, names));
    expect(bitsOf((await bench.run({ ...input, recompute: true })).gradient, names)).toEqual(
      bitsOf(first.gradient, names),
    );
    const other = await bench.run({ ...input, counts: { seed: seed + 1 } });
    expect(other.embedding).not.toEqual(first.embedding);
    expect(other.embedded).toEqual(first.embedded);
  });

  test("a part of a batch drops what the whole does", async () => {
    const texts = someTexts(shape);
    const start = texts.cuSeqlens[2] ?? 0;
    const rest = { tokenIds: texts.tokenIds.slice(start), cuSeqlens: texts.cuSeqlens.slice(2).map((at) => at - start) };
    const whole = (await bench.run({ ...input, texts })).embedding.subarray(2 * H);
    const embedded = async (firstToken: number) =>
      (await bench.run({ ...input, texts: rest, counts: { seed, firstToken } })).embedding;
    const difference = (a: Float32Array) =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - (whole[i] ?? NaN))), 0);
    expect(difference(await embedded(start))).toBeLessThan(1e-6);
    expect(difference(await embedded(0))).toBeGreaterThan(1e-2);
  });
});

test("without dropout there is nothing of it", async () => {
  const { bert: shape } = shapes;
  const plain = await bench.run({ shape });
  const none = await bench.run({ shape, dropout: { hidden: 0, attention: 0 }, counts: { seed } });
  expect(plain.embedding).toEqual(plain.embedded);
  expect(none.kernels).toEqual(plain.kernels);
  expect(none.bytes).toBe(plain.bytes);
  expect(none.gradient).toEqual(plain.gradient);
});

test("LoRA goes through the same holes as what it stands beside", async () => {
  const shape = { ...shapes.bert, layers: 2 };
  const tuning = { lora: { rank: 4, alpha: 8, matrices: ["attention.output", "output"] } } as const;
  const adapters = new Float32Array(trainedTable(shape, tuning).floats).map((_, i) => Math.sin(i) / 8);
  const merged = withTrained(shape, randomWeights(shape), { tuning, weights: adapters });
  const input = { shape, dropout, counts: { seed } };
  const beside = await bench.run({ ...input, tuning, adapters });
  const whole = await bench.run({ ...input, weights: merged, forwardOnly: true });
  expect(error(beside.embedding, Float64Array.from(whole.embedding))).toBeLessThan(1e-5);
  const again = await bench.run({ ...input, tuning, adapters, recompute: true });
  const names = Object.keys(beside.gradient);
  expect(bitsOf(again.gradient, names)).toEqual(bitsOf(beside.gradient, names));
});
