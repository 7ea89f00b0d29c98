/** ANCE and ADORE against a plain search with the weights that each step really had. */
import { beforeAll, describe, expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import type { Engine } from "../../src/domain/engine.ts";
import type { Checkpoint, Refresh, TrainReport } from "../../src/domain/training.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { train } from "../../src/train/train.ts";
import { collect, corpus, data, input, open, refreshOf, vectorsBy, watchedTraining, type Arena } from "./tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

const dot = (a: Arena, b: Arena) => a.reduce((sum, x, k) => sum + x * (b[k] ?? NaN), 0);

/** The row of a trained query: its query and positive tell. */
function rowOf(query: string, positive = ""): number {
  return data.rows.findIndex((row) => data.queries[row.query] === query && data.documents[row.positive] === positive);
}

const ownOf = (row: number) => present(data.rows[row], "row").negatives.map(({ document }) => data.documents[document]);

interface Ranked {
  readonly row: number;
  /** The query's. */
  readonly vector: Arena | undefined;
  readonly documents: readonly Arena[];
  readonly refresh: Refresh;
  readonly taken?: readonly string[];
}
/** Texts that may become negatives of `row`, nearest first: sorted by the plain product, each text once. */
function ranking({ row, vector, documents, refresh, taken = [] }: Ranked) {
  const query = present(vector, "query");
  const { positive } = present(data.rows[row], "row");
  const barred = new Set([
    ...(refresh.excluded[row] ?? []).map((position) => corpus[position]),
    data.documents[positive],
    ...ownOf(row),
    ...taken,
  ]);
  // From the last to the first: of equal texts the first one's vector counts.
  const scores = new Map(
    corpus.map((text, i) => [text, dot(query, present(documents[i], "vector"))] as const).reverse(),
  );
  return [...scores]
    .filter(([text]) => !barred.has(text))
    .toSorted(([, a], [, b]) => b - a)
    .map(([text]) => text);
}

const frozen = ({ vectors: { dimensions, values } }: Refresh): Arena[] =>
  corpus.map((_, i) => values.slice(i * dimensions, (i + 1) * dimensions));

/** Which weights made each index of ANCE, from the order of the reports. */
const versions = (reports: readonly TrainReport[]) =>
  reports.flatMap((report) => (report.kind === "refreshed" ? [report.refreshed.version] : []));

const ance = (over = {}) => ({ source: "ance" as const, count: 3, first: 1, last: 3, every: 3, ...over });
const adore = (over = {}) => ({ source: "adore" as const, count: 2, first: 1, last: 2, ...over });

/** Every trained row of a run: the step, the row, and the texts after its positive and own negatives. */
function refreshedRows(seen: Awaited<ReturnType<typeof watchedTraining>>["seen"]) {
  return seen.flatMap(({ rows }, step) =>
    rows.map(({ query, candidates }) => {
      const row = rowOf(query, candidates[0]);
      const own = ownOf(row);
      expect(candidates.slice(1, 1 + own.length)).toEqual(own);
      return { step, row, query, texts: candidates.slice(1 + own.length) };
    }),
  );
}

describe("ANCE", () => {
  test("each row gets the nearest by the weights of the last index, the first by vectors from before training", async () => {
    const refresh = refreshOf([ance()]);
    const { seen, reports } = await watchedTraining(engine, input({ steps: 8 }, { refresh }));
    expect(versions(reports)).toEqual([0, 3, 6]);
    let trained = 0;
    for (const { step, row, query, texts } of refreshedRows(seen)) {
      const version = step - (step % 3);
      const weights = present(seen[version], "step").weights;
      const documents = version === 0 ? frozen(refresh) : await vectorsBy(engine, weights, corpus, "document");
      const [vector] = await vectorsBy(engine, weights, [query], "query");
      expect(texts).toEqual(ranking({ row, vector, documents, refresh }).slice(0, 3));
      trained++;
    }
    expect(trained).toBe(20);
  });

  test("an index is reported when the steps before it are done, with its size and no step's time", async () => {
    const { reports } = await watchedTraining(engine, input({ steps: 7 }, { refresh: refreshOf([ance()]), ahead: 2 }));
    const order = reports.map((report) => {
      if (report.kind === "step") return `step ${report.step.step}`;
      if (report.kind === "refreshed") return `index ${report.refreshed.version}`;
      if (report.kind !== "progress") return report.kind;
      const { done, total, unit } = report.progress;
      return `${done}/${total} ${unit}`;
    });
    // First the vectors from before training are searched; later the corpus, without document 7's twin, is encoded.
    const search = ["8/8 texts", "8/8 queries"];
    const again = ["29/29 texts", ...search];
    // prettier-ignore
    expect(order).toEqual([
      ...search, "index 0", "step 1", "step 2", "step 3",
      ...again, "index 3", "step 4", "step 5", "step 6",
      ...again, "index 6", "step 7",
    ]);
    for (const report of reports)
      if (report.kind === "refreshed") expect(report.refreshed.documents).toBe(corpus.length);
  });

  test("draws from the ranks asked for, and keeps what it drew until the next index", async () => {
    const refresh = refreshOf([ance({ first: 2, last: 7, count: 2, every: 8 })]);
    const { seen } = await watchedTraining(engine, input({ steps: 16 }, { refresh }));
    const drawn = new Map<string, string>();
    const ranks = new Set<number>();
    for (const { step, row, query, texts } of refreshedRows(seen)) {
      const weights = present(seen[step - (step % 8)], "step").weights;
      const documents = step < 8 ? frozen(refresh) : await vectorsBy(engine, weights, corpus, "document");
      const [vector] = await vectorsBy(engine, weights, [query], "query");
      const ranked = ranking({ row, vector, documents, refresh });
      for (const text of texts) ranks.add(ranked.indexOf(text) + 1);
      expect(new Set(texts).size).toBe(2);
      const key = `${row} ${step < 8}`;
      expect(drawn.get(key) ?? texts.join()).toBe(texts.join());
      drawn.set(key, texts.join());
    }
    // Twenty times two of six: that one is never drawn happens once in 500 seeds.
    expect([...ranks].toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7]);
    const seeds = [1, 2].map((seed) => watchedTraining(engine, input({ steps: 1, seed, shuffle: false }, { refresh })));
    const [one, two] = await Promise.all(seeds);
    expect(one?.seen[0]?.rows).not.toEqual(two?.seen[0]?.rows);
  });

  test("draws anew from each index, also where the weights stand still", async () => {
    const refresh = refreshOf([ance({ last: 12, every: 2 })]);
    const config = { steps: 6, batchSize: 10, learningRate: 1e-30, shuffle: false } as const;
    const { seen } = await watchedTraining(engine, input(config, { refresh }));
    // From step 2 on the vectors are those of the same weights.
    expect(seen[3]?.rows).toEqual(seen[2]?.rows);
    expect(seen[4]?.rows).not.toEqual(seen[2]?.rows);
  });

  test("a row that finds too few trains on fewer", async () => {
    const all = corpus.map((_, i) => i);
    const refresh = { ...refreshOf([ance()]), excluded: data.rows.map((_, row) => (row === 0 ? all.slice(1) : all)) };
    // Row 0 may have document 0, which is its positive.
    const { seen, outcome } = await watchedTraining(engine, input({ steps: 4, epochs: 1 }, { refresh }));
    expect(refreshedRows(seen).every(({ texts }) => texts.length === 0)).toBe(true);
    expect([...(outcome.checkpoint.mined?.documents ?? [])]).toEqual(Array.from({ length: 30 }, () => -1));
  });
});

describe("ADORE", () => {
  test("each row gets the nearest by its query at that step, among vectors from before training", async () => {
    const refresh = refreshOf([adore({ first: 2, last: 4, count: 3 })]);
    const { seen, reports, outcome } = await watchedTraining(engine, input({ steps: 8 }, { refresh }));
    for (const { step, row, query, texts } of refreshedRows(seen)) {
      const [vector] = await vectorsBy(engine, present(seen[step], "step").weights, [query], "query");
      expect(texts).toEqual(ranking({ row, vector, documents: frozen(refresh), refresh }).slice(1, 4));
    }
    expect(reports.every(({ kind }) => kind === "step")).toBe(true);
    expect(outcome.checkpoint.mined).toBeUndefined();
  });

  test("beside ANCE it takes the nearest that ANCE did not, in the order of the requests", async () => {
    for (const requests of [
      [ance(), adore()],
      [adore(), ance()],
    ]) {
      const refresh = refreshOf(requests);
      const { seen } = await watchedTraining(engine, input({ steps: 5, seed: 2 }, { refresh }));
      for (const { step, row, query, texts } of refreshedRows(seen)) {
        expect(texts).toHaveLength(5);
        expect(new Set(texts).size).toBe(5);
        const first = requests[0]?.source === "ance";
        const [byAnce, byAdore] = first ? [texts.slice(0, 3), texts.slice(3)] : [texts.slice(2), texts.slice(0, 2)];
        const [vector] = await vectorsBy(engine, present(seen[step], "step").weights, [query], "query");
        const ranked = ranking({ row, vector, documents: frozen(refresh), refresh, taken: byAnce });
        expect(byAdore).toEqual(ranked.slice(0, 2));
      }
    }
  });
});

/** Two indexes in a run of nine steps, draws in both, so that everything that could differ would. */
const both = () => refreshOf([ance({ last: 8, every: 4 }), adore({ last: 6 })]);
const trainingOf = (over = {}) => input({ steps: 9, inBatch: true }, { refresh: both(), ...over });

test("a run that goes on from any checkpoint ends with the same bits as one that never stopped", async () => {
  const whole = await collect(train(await open(engine), trainingOf()));
  const { reports, outcome } = await collect(train(await open(engine), trainingOf({ checkpointEvery: 0, ahead: 2 })));
  expect(outcome.checkpoint).toEqual(whole.outcome.checkpoint);
  const checkpoints = reports.flatMap((report) => (report.kind === "checkpoint" ? [report.checkpoint] : []));
  expect(checkpoints.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const resume of checkpoints) {
    const resumed = await collect(train(await open(engine), trainingOf({ resume: structuredClone(resume) })));
    expect(resumed.outcome.checkpoint).toEqual(whole.outcome.checkpoint);
    expect(versions(resumed.reports)).toEqual([4, 8].filter((version) => version >= resume.step));
  }
});

test("a checkpoint without what ANCE found is refused between two indexes", async () => {
  const { outcome } = await collect(train(await open(engine), input({ steps: 2 }, { refresh: both() })));
  const { mined, ...resume } = outcome.checkpoint;
  expect(mined?.version).toBe(0);
  const stage = train(await open(engine), trainingOf({ resume }));
  await expect(collect(stage)).rejects.toThrow("step 2 has ANCE's index of no step, not of 0");
});

/** More texts than are encoded in one batch: the corpus and 570 more. */
function wideRefresh(): Refresh {
  const refresh = both();
  const more = Array.from({ length: 570 }, (_, i) => `${3 + (i % 37)} ${3 + Math.floor(i / 37)} 3 3`);
  const values = new Float32Array(600 * refresh.vectors.dimensions);
  values.set(refresh.vectors.values);
  for (let i = 30; i < 600; i++) values[i * refresh.vectors.dimensions + (i % refresh.vectors.dimensions)] = 1;
  return { ...refresh, corpus: [...corpus, ...more], vectors: { ...refresh.vectors, values } };
}

/** Trains until a report for which `ends` holds, and stops there. Returns the last checkpoint before it. */
async function stoppedAt(given: ReturnType<typeof trainingOf>, ends: (report: TrainReport) => boolean) {
  let checkpoint: Checkpoint | undefined;
  for await (const report of train(await open(engine), given)) {
    if (report.kind === "checkpoint") checkpoint = structuredClone(report.checkpoint);
    if (ends(report)) return checkpoint;
  }
  throw new Error("the run came to its end");
}

test("a run that is stopped while it encodes or searches the collection ends with the same bits", async () => {
  const refresh = wideRefresh();
  const whole = await collect(train(await open(engine), trainingOf({ refresh })));
  const ways = whole.reports.flatMap((report) => (report.kind === "progress" ? [report.progress] : []));
  const documents = ways.flatMap(({ done, total, unit }) =>
    unit === "texts" && total > 8 ? [`${done}/${total}`] : [],
  );
  // Before steps 4 and 8; document 7's twin is left out.
  expect(documents).toEqual(["256/599", "512/599", "599/599", "256/599", "512/599", "599/599"]);
  for (const [unit, done] of [
    ["texts", 256],
    ["queries", 8],
  ] as const) {
    let steps = 0;
    const resume = await stoppedAt(trainingOf({ refresh, checkpointEvery: 0 }), (report) => {
      if (report.kind === "step") steps = report.step.step;
      return (
        steps === 4 && report.kind === "progress" && report.progress.unit === unit && report.progress.done === done
      );
    });
    expect(resume).toMatchObject({ step: 4, mined: { version: 0 } });
    const resumed = await collect(train(await open(engine), trainingOf({ refresh, resume })));
    expect(resumed.outcome.checkpoint).toEqual(whole.outcome.checkpoint);
    expect(versions(resumed.reports)).toEqual([4, 8]);
  }
});

test.each(["progress", "refreshed"])("stopping at a report of %s frees the trainer", async (kind) => {
  const model = await open(engine);
  let reached = false;
  for await (const report of train(model, trainingOf())) {
    reached = report.kind === kind;
    if (reached) break;
  }
  expect(reached).toBe(true);
  const { outcome } = await collect(train(model, trainingOf()));
  expect(outcome.checkpoint.step).toBe(9);
});
