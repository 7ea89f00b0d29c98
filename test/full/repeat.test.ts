/** The same run gives the same bits, whole or in two halves; one engine goes on with what the other did. */
import { expect, test } from "vitest";
import type { Engine, Trainer } from "../../src/domain/engine.ts";
import type { Checkpoint } from "../../src/domain/training.ts";
import { batchOf, contrastiveOf, familyNames, rateOf, settings, shapeOf, weightsOf, type Case } from "./case.ts";
import { bothEngines } from "./matrix.ts";

const batch = batchOf([5, 1, 33, 70, 8], { queries: 3, negatives: 2, inBatch: true });
const other = batchOf([2, 40, 7], { queries: 4, negatives: 1, inBatch: true });
const cases = familyNames.map((family): Case => {
  const shape = shapeOf(family, { layers: 4, hidden: 48, heads: 3, longest: 70 });
  return { name: family, family, shape, pooling: "mean", batch };
});

/** The bits of a checkpoint's arenas, so that −0 is not 0. */
const bitsOf = ({ weights, firstMoment, secondMoment }: Checkpoint) =>
  [weights, firstMoment, secondMoment].map((arena) => new Uint32Array(arena.buffer, arena.byteOffset, arena.length));

async function train(trainer: Trainer, given: Case, from: number, to: number) {
  const outcomes = [];
  const batches = [contrastiveOf(given), contrastiveOf({ batch: other })] as const;
  for (let i = from; i < to; i++) outcomes.push(await trainer.step(batches[i % 2 === 0 ? 0 : 1], rateOf(given.shape)));
  return outcomes;
}

/** Steps `from` to `to` on a new model, after `start` where it is given. */
async function run(engine: Engine, given: Case, [from, to]: readonly [number, number], start?: Checkpoint) {
  const { shape, pooling } = given;
  const model = await engine.createModel({ shape, pooling, weights: weightsOf(given) });
  const trainer = await model.createTrainer(settings);
  if (start) await trainer.restore(start);
  const outcomes = await train(trainer, given, from, to);
  const embeddings = await model.embed(contrastiveOf(given).texts);
  const checkpoint = await trainer.checkpoint();
  model.dispose();
  return { outcomes, embeddings, checkpoint };
}

const engines = bothEngines();

test.for((["cpu", "webgpu"] as const).flatMap((kind) => cases.map((given) => [kind, given.name, given] as const)))(
  "repeatable: %s, %s",
  async ([kind, , given]) => {
    const engine = engines()[kind];
    const whole = await run(engine, given, [0, 4]);
    const again = await run(engine, given, [0, 4]);
    expect(again.outcomes).toEqual(whole.outcomes);
    expect(again.embeddings).toEqual(whole.embeddings);
    expect(bitsOf(again.checkpoint)).toEqual(bitsOf(whole.checkpoint));

    const half = await run(engine, given, [0, 2]);
    const rest = await run(engine, given, [2, 4], half.checkpoint);
    expect([...half.outcomes, ...rest.outcomes]).toEqual(whole.outcomes);
    expect(rest.checkpoint.step).toBe(4);
    expect(rest.embeddings).toEqual(whole.embeddings);
    expect(bitsOf(rest.checkpoint)).toEqual(bitsOf(whole.checkpoint));
  },
);
