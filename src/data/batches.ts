/** Which rows each optimiser step sees: a pure function of the recipe, so that a resumed run goes on with the same rows. */
import { assert } from "../base/assert.ts";
import { random, shuffled } from "../base/random.ts";
import type { TrainingConfig } from "../domain/config.ts";

export interface BatchPlan {
  readonly steps: number;
  /** Row indices of a step (0-based). The last batch of an epoch, or of a topic in it, may be smaller. */
  rows(step: number): readonly number[];
}

type PlanConfig = Pick<TrainingConfig, "batchSize" | "epochs" | "steps" | "seed" | "shuffle"> &
  Partial<Pick<TrainingConfig, "batches">>;

function cut(rows: readonly number[], size: number): (readonly number[])[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
}

/** The rows of each topic, in file order; topics in the order in which they first appear. */
function rowsByTopic(topics: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const [row, topic] of topics.entries()) {
    const group = groups.get(topic);
    if (group) group.push(row);
    else groups.set(topic, [row]);
  }
  return groups;
}

/** The batches of an epoch: every row once, and the same number of batches in each. */
type Epoch = (epoch: number) => (readonly number[])[];

function plainEpoch(rows: number, { batchSize, shuffle, seed }: PlanConfig): Epoch {
  return (epoch) => {
    const all = Array.from({ length: rows }, (_, i) => i);
    return cut(shuffle ? shuffled(all, random(seed, `epoch ${epoch}`)) : all, batchSize);
  };
}

/**
 * Every batch from one topic (TAS-B, arXiv 2104.06967): the rows of a topic in random order, cut, and the batches of all
 * topics in random order. TAS-B draws a topic for each batch; here every row comes once an epoch.
 */
function topicEpoch(topics: readonly number[], { batchSize, shuffle, seed }: PlanConfig): Epoch {
  const groups = rowsByTopic(topics);
  return (epoch) => {
    const batches = [...groups].flatMap(([topic, rows]) =>
      cut(shuffle ? shuffled(rows, random(seed, `epoch ${epoch} topic ${topic}`)) : rows, batchSize),
    );
    return shuffle ? shuffled(batches, random(seed, `epoch ${epoch} batches`)) : batches;
  };
}

/**
 * Steps are `config.steps`, or as many as `config.epochs` passes take. No rows, no steps. `topics`: the topic of each
 * row, needed where `config.batches` is "topics".
 */
export function planBatches(rows: number, config: PlanConfig, topics?: readonly number[]): BatchPlan {
  const byTopic = config.batches === "topics";
  assert(!byTopic || topics?.length === rows, `${topics?.length ?? "no"} topics for ${rows} rows`);
  const epochOf = byTopic && topics ? topicEpoch(topics, config) : plainEpoch(rows, config);
  const perEpoch = epochOf(0).length;
  const steps = perEpoch === 0 ? 0 : (config.steps ?? Math.ceil(config.epochs * perEpoch));
  let current: { readonly epoch: number; readonly batches: (readonly number[])[] } | undefined;
  return {
    steps,
    rows(step) {
      const epoch = Math.floor(step / perEpoch);
      if (current?.epoch !== epoch) current = { epoch, batches: epochOf(epoch) };
      return current.batches[step % perEpoch] ?? [];
    },
  };
}
