/** Which rows each optimiser step sees: a pure function of the recipe, so that a resumed run goes on with the same rows. */
import { assert } from "../base/assert.ts";
import { random, shuffled } from "../base/random.ts";
import type { TrainingConfig } from "../domain/config.ts";

export interface BatchPlan {
  readonly steps: number;
  /** Row indices of a batch (0-based), also of one that no step takes. The last of an epoch, or of a topic in it, may be smaller. */
  rows(batch: number): readonly number[];
  /** The batches of a step (0-based), one after another; in the last step fewer than `accumulate` where the epochs end there. */
  batches(step: number): readonly number[];
}

/** What a row's texts cost, for batches of a token budget. */
export interface RowTexts {
  /** For each row its texts, as numbers: the same text, the same number. */
  readonly rows: readonly (readonly number[])[];
  /** By that number. */
  readonly tokens: readonly number[];
  /** Of the texts that a row will get while training goes on, each of them counted. */
  readonly later: number;
}

type PlanConfig = Pick<TrainingConfig, "batchSize" | "epochs" | "steps" | "seed" | "shuffle"> &
  Partial<Pick<TrainingConfig, "batches" | "accumulate" | "batchTokens">>;

/** Cuts rows into batches, in their order. */
type Cut = (rows: readonly number[]) => (readonly number[])[];

const cutBySize =
  (size: number): Cut =>
  (rows) =>
    Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));

/** At most `budget` tokens in a batch's distinct texts, or one row. */
function cutByTokens(size: number, budget: number, { rows: textsOf, tokens, later }: RowTexts): Cut {
  return (rows) => {
    const batches: number[][] = [];
    let [batch, known, spent]: [number[], Set<number>, number] = [[], new Set(), Infinity];
    const cost = (row: number): number =>
      [...new Set(textsOf[row])].reduce((sum, text) => sum + (known.has(text) ? 0 : (tokens[text] ?? 0)), later);
    for (const row of rows) {
      if (batch.length === size || spent + cost(row) > budget) {
        [batch, known, spent] = [[], new Set(), 0];
        batches.push(batch);
      }
      spent += cost(row);
      batch.push(row);
      for (const text of textsOf[row] ?? []) known.add(text);
    }
    return batches;
  };
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

/** The batches of an epoch: every row once. */
type Epoch = (epoch: number) => (readonly number[])[];

function plainEpoch(rows: number, { shuffle, seed }: PlanConfig, cut: Cut): Epoch {
  return (epoch) => {
    const all = Array.from({ length: rows }, (_, i) => i);
    return cut(shuffle ? shuffled(all, random(seed, `epoch ${epoch}`)) : all);
  };
}

/**
 * Every batch from one topic (TAS-B, arXiv 2104.06967): the rows of a topic in random order, cut, and the batches of all
 * topics in random order. TAS-B draws a topic for each batch; here every row comes once an epoch.
 */
function topicEpoch(topics: readonly number[], { shuffle, seed }: PlanConfig, cut: Cut): Epoch {
  const groups = rowsByTopic(topics);
  return (epoch) => {
    const batches = [...groups].flatMap(([topic, rows]) =>
      cut(shuffle ? shuffled(rows, random(seed, `epoch ${epoch} topic ${topic}`)) : rows),
    );
    return shuffle ? shuffled(batches, random(seed, `epoch ${epoch} batches`)) : batches;
  };
}

/** The batches of epoch after epoch, numbered through. */
interface Sequence {
  rows(batch: number): readonly number[];
  /** How many there are in so many epochs, a part of one rounded up. */
  through(epochs: number): number;
}

/** Where every epoch has as many batches as the first, none has to be made to count them. */
function evenSequence(epochOf: Epoch): Sequence {
  const perEpoch = epochOf(0).length;
  const made = lastMade(epochOf);
  return {
    rows: (batch) => made(Math.floor(batch / perEpoch))[batch % perEpoch] ?? [],
    through: (epochs) => Math.ceil(epochs * perEpoch),
  };
}

/** By tokens, how many there are depends on the epoch's order. */
function unevenSequence(epochOf: Epoch): Sequence {
  const made = lastMade(epochOf);
  /** First batch of each epoch that was counted, and of the one after these. */
  const firsts = [0];
  const first = (epoch: number): number => {
    for (let last = firsts.length - 1; last < epoch; last++) firsts.push((firsts[last] ?? 0) + made(last).length);
    return firsts[epoch] ?? 0;
  };
  return {
    rows(batch) {
      while (first(firsts.length - 1) <= batch) first(firsts.length);
      const epoch = firsts.findLastIndex((from) => from <= batch);
      return made(epoch)[batch - first(epoch)] ?? [];
    },
    through(epochs) {
      const whole = Math.floor(epochs);
      const length = whole < epochs ? made(whole).length : 0;
      return first(whole) + Math.ceil(epochs * length - whole * length);
    },
  };
}

/** Batches are asked for in order: the epoch of the last is kept. */
function lastMade(epochOf: Epoch): Epoch {
  let current: { readonly epoch: number; readonly batches: (readonly number[])[] } | undefined;
  return (epoch) => {
    if (current?.epoch !== epoch) current = { epoch, batches: epochOf(epoch) };
    return current.batches;
  };
}

function sequenceOf(
  rows: number,
  config: PlanConfig,
  topics: readonly number[] | undefined,
  texts: RowTexts | undefined,
): Sequence {
  const { batchSize, batchTokens } = config;
  const epochBy = (cut: Cut): Epoch => {
    if (config.batches !== "topics") return plainEpoch(rows, config, cut);
    assert(topics?.length === rows, `${topics?.length ?? "no"} topics for ${rows} rows`);
    return topicEpoch(topics, config, cut);
  };
  if (batchTokens === undefined) return evenSequence(epochBy(cutBySize(batchSize)));
  assert(texts?.rows.length === rows, `texts of ${texts?.rows.length ?? "no"} of ${rows} rows`);
  return unevenSequence(epochBy(cutByTokens(batchSize, batchTokens, texts)));
}

/**
 * Steps are `config.steps`, or as many as `config.epochs` passes take. No rows, no steps. `topics`: the topic of each
 * row, needed where `config.batches` is "topics"; `texts`: what rows cost, needed where there is a `config.batchTokens`.
 */
export function planBatches(rows: number, config: PlanConfig, topics?: readonly number[], texts?: RowTexts): BatchPlan {
  const { accumulate = 1 } = config;
  const sequence = sequenceOf(rows, config, topics, texts);
  const batches = config.steps === undefined ? sequence.through(config.epochs) : config.steps * accumulate;
  const steps = rows === 0 ? 0 : Math.ceil(batches / accumulate);
  return {
    steps,
    rows: (batch) => (rows === 0 ? [] : sequence.rows(batch)),
    batches(step) {
      const first = step * accumulate;
      return Array.from({ length: Math.min(accumulate, batches - first) }, (_, i) => first + i);
    },
  };
}
