/** Mining, gate, guide and refresh against figures computed here from the encoder's own vectors. */
import { expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { documentText } from "../../src/domain/collection.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { NegativeRequest } from "../../src/domain/configNegatives.ts";
import type { FoundVerdict } from "../../src/domain/draft.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { TrainingSet } from "../../src/domain/training.ts";
import type { RunInput } from "../../src/pipeline/run.ts";
import { tinyCollection } from "../support/collection.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { input, otherEncoder, productsOf, readings, recipe, services, watched, whole } from "./support.ts";

const { documents, queries, judgements } = tinyCollection;
const texts = documents.map(documentText);
const train = judgements["train"] ?? [];

type Request = NegativeRequest["source"];
const asking = (sources: Partial<Record<Request, object>>, more: ConfigInput = {}): ConfigInput => ({
  ...recipe,
  steps: 2,
  ...more,
  negatives: Object.entries(sources).map(([source, rest]) => ({ source, count: 2, ...rest })) as never,
});

/** Cosines of every query with every document by an encoder, computed here. */
async function cosines(folder: EncoderFolder) {
  const { encoder } = services();
  const config = parseConfig(recipe);
  const { model } = await finish(encoder.open({ folder, engine: "cpu" }));
  const q = await finish(encoder.encode({ model, texts: queries.map(({ text }) => text), kind: "query", config }));
  const d = await finish(encoder.encode({ model, texts, kind: "document", config }));
  const dot = (i: number, j: number) =>
    Array.from(
      { length: d.dimensions },
      (_, k) => (q.values[i * d.dimensions + k] ?? 0) * (d.values[j * d.dimensions + k] ?? 0),
    ).reduce((a, b) => a + b, 0);
  return queries.map((_, i) => documents.map((_, j) => dot(i, j)));
}

/** Each query's rows as ids of the collection. */
function rowsOf(set: TrainingSet) {
  return set.rows.map(({ query, positive, negatives }) => ({
    query: queries.findIndex(({ text }) => text === set.queries[query]),
    positive: texts.indexOf(set.documents[positive] ?? ""),
    negatives: negatives.map(({ document, ...rest }) => ({
      ...rest,
      text: set.documents[document] ?? "",
      place: texts.indexOf(set.documents[document] ?? ""),
    })),
  }));
}
const setOf = ({ reports }: Awaited<ReturnType<typeof whole>>) => {
  const set = productsOf(reports).trainingSet;
  if (!set) throw new Error("no training set");
  return set;
};
const byNumber = (a: number, b: number) => a - b;
const relevantOf = (query: number) =>
  new Set(
    Object.values(judgements).flatMap((split) =>
      split.filter((judgement) => judgement.queryId === `q${query}`).map((judgement) => judgement.documentId as string),
    ),
  );

/** Places of the documents by cosine, best first, without the relevant ones. */
const ranking = (scores: readonly number[], query: number) =>
  documents
    .map((_, place) => place)
    .filter((place) => !relevantOf(query).has(`d${place}`))
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));

test("dense negatives are the encoder's own nearest documents, with their cosines", async () => {
  const { by, log } = watched();
  const run = await whole(input(asking({ dense: { count: 2, first: 2, last: 4 } })), by);
  const scores = await cosines(tinyEncoder());
  for (const { query, negatives } of rowsOf(setOf(run))) {
    const best = ranking(scores[query] ?? [], query);
    expect(negatives).toHaveLength(2);
    for (const { source, place, rank, score } of negatives) {
      expect(source).toBe("dense");
      expect([2, 3, 4]).toContain(rank);
      expect(best[(rank ?? 0) - 1]).toBe(place);
      expect(score).toBeCloseTo(scores[query]?.[place] ?? NaN, 5);
    }
  }
  // Once before training, for mining, measuring and the look at the negatives; once after.
  expect(readings(log)).toHaveLength(2);
});

test("SimANS with a sharp peak takes the documents that score most like the positive", async () => {
  const run = await whole(input(asking({ simans: { count: 3, last: 14, a: 1e8, scale: 1 } })));
  const scores = await cosines(tinyEncoder());
  for (const { query, positive, negatives } of rowsOf(setOf(run))) {
    const gap = (place: number) => Math.abs((scores[query]?.[place] ?? 0) - (scores[query]?.[positive] ?? 0));
    const nearest = ranking(scores[query] ?? [], query).toSorted((a, b) => gap(a) - gap(b));
    expect(negatives.map(({ place }) => place)).toEqual(nearest.slice(0, 3));
  }
});

/** q0 is answered by d0, and by the document that its cosine puts last. */
function twoAnswers(scores: readonly (readonly number[])[]) {
  const last = ranking(scores[0] ?? [], 0).at(-1) ?? 0;
  const more = { queryId: queryId("q0"), documentId: documentId(`d${last}`), grade: 1 };
  const collection = { ...tinyCollection, judgements: { ...judgements, train: [...train, more] } };
  return { collection, last };
}

test("of several answers the least similar one counts, for SimANS and for the gate", async () => {
  const scores = await cosines(tinyEncoder());
  const { collection, last } = twoAnswers(scores);
  const own = scores[0] ?? [];
  const far = ranking(own, 0).filter((place) => place !== last);
  const sharp = await whole(input(asking({ simans: { count: 1, last: 14, a: 1e8, scale: 1 } }), { collection }));
  // The other documents all score above it: the nearest to it is the last of them.
  expect(rowsOf(setOf(sharp))[0]?.negatives.map(({ place }) => place)).toEqual(far.slice(-1));
  const margin = asking({ bm25: { last: 14 } }, { gate: { filter: "margin", value: 0 } });
  const closed = await whole(input(margin, { collection }));
  expect(rowsOf(setOf(closed))[0]?.negatives).toEqual([]);
});

test("ranks are filled from below where relevant documents stand above", async () => {
  const run = await whole(input(asking({ bm25: { count: 1, last: 1 } })));
  expect(setOf(run).rows.map(({ negatives }) => negatives.map(({ rank }) => rank))).toEqual([[1], [1], [1], [1]]);
});

test("the look before training is at the starting encoder's cosines", async () => {
  const run = await whole(input({ ...asking({ bm25: { last: 14 } }), temperature: 0.1 }));
  const scores = await cosines(tinyEncoder());
  const shares = rowsOf(setOf(run)).map(({ query, positive, negatives }) => {
    const power = (place: number) => Math.exp((scores[query]?.[place] ?? 0) / 0.1);
    return power(positive) / [positive, ...negatives.map(({ place }) => place)].map(power).reduce((a, b) => a + b, 0);
  });
  const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
  expect(productsOf(run.reports).snapshotBefore?.mass.positive).toBeCloseTo(mean, 5);
  expect(productsOf(run.reports).snapshotAfter?.mass.positive).not.toBeCloseTo(mean, 5);
});

const gated: ConfigInput = asking(
  { synthetic: { count: 1 }, bm25: { count: 3, last: 14 } },
  { gate: { filter: "percentage", value: 0.9 } },
);

test("the gate leaves out exactly what the guide scores too near the positive, written negatives too", async () => {
  const { by, log } = watched();
  const negatives = train.map(({ queryId }) => ({
    queryId,
    source: "synthetic" as const,
    title: "",
    text: "moon salt tide cat",
  }));
  const run = await whole(input(gated, { collection: { ...tinyCollection, negatives } }), by);
  const scores = await cosines(tinyEncoder());
  const report = productsOf(run.reports).gate;
  const allowed = (query: number) => 0.9 * (scores[query]?.[query === 2 ? 4 : query === 3 ? 5 : query] ?? NaN);
  const dropped = new Set(report?.negatives.map(({ queryId, text }) => `${queryId} ${text}`));
  expect(dropped.size).toBeGreaterThan(0);
  for (const { queryId, text } of report?.negatives ?? []) {
    const query = Number(queryId.slice(1));
    expect(scores[query]?.[texts.indexOf(text)]).toBeGreaterThan(allowed(query));
  }
  for (const { query, negatives } of rowsOf(setOf(run))) {
    for (const { place } of negatives) expect(scores[query]?.[place]).toBeLessThanOrEqual(allowed(query) + 1e-6);
  }
  expect(run.result.gate).toEqual({ considered: report?.considered, dropped: report?.negatives.length, relabelled: 0 });
  expect(run.reports.flatMap((report) => (report.kind === "started" ? [report.stage] : []))).toEqual([
    "index",
    "mine",
    "gate",
    "mix",
    "before",
    "train",
    "after",
  ]);
  expect(readings(log)).toHaveLength(2);
});

test("a guide of its own finds and judges, is read for what is asked of it only, and is closed before training", async () => {
  const { by, log } = watched();
  const run = await whole(input(asking({ dense: { count: 2, last: 2 } }), { guide: otherEncoder() }), by);
  const [own, start] = [await cosines(otherEncoder()), await cosines(tinyEncoder())];
  const places = rowsOf(setOf(run)).map(
    ({ query, negatives }) => [query, negatives.map(({ place }) => place).toSorted(byNumber)] as const,
  );
  const best = (scores: number[][]) =>
    places.map(([query]) =>
      ranking(scores[query] ?? [], query)
        .slice(0, 2)
        .toSorted(byNumber),
    );
  expect(places.map(([, two]) => two)).toEqual(best(own));
  expect(best(own)).not.toEqual(best(start));
  expect(log.opened).toEqual(["tiny", "other"]);
  expect(log.closed).toEqual([2]);
  // The start encoder is measured as ever.
  const without = await whole(input(asking({ dense: {} })));
  expect(run.result.systems.before).toEqual(without.result.systems.before);

  const second = watched();
  const open = { ...gated, gate: { filter: "absolute", value: 2 }, mix: "synthetic" } as const;
  await whole(input(open, { guide: otherEncoder() }), second.by);
  const read = second.log.encoded
    .filter(({ model, kind }) => model === 2 && kind === "document")
    .flatMap(({ texts }) => texts);
  // Four positives and the one synthetic negative.
  expect(read.toSorted()).toEqual(
    [...train.map(({ documentId }) => texts[Number(documentId.slice(1))] ?? ""), "the cat ran on the tide"].toSorted(),
  );
});

test("stopping while the guide is open closes both encoders", async () => {
  const { by, log } = watched();
  const { run } = await import("../../src/pipeline/run.ts");
  for await (const report of run(by, input(gated, { guide: otherEncoder() }))) {
    if (report.kind === "finished" && report.stage === "gate") break;
  }
  expect(log.closed.toSorted(byNumber)).toEqual([1, 2]);
});

const verdict = (query: string, document: string, action: FoundVerdict["action"]): FoundVerdict => ({
  queryId: queryId(query),
  documentId: documentId(document),
  action,
  reason: "says so",
  by: "judge Tiny",
});
const judged: Partial<RunInput> = {
  verdicts: [verdict("q0", "d2", "drop"), verdict("q0", "d3", "relabel"), verdict("q4", "d1", "relabel")],
  positives: [
    { queryId: queryId("q1"), text: "the dog ran" },
    { queryId: queryId("q4"), text: "of a query that is not trained on" },
  ],
};

test("verdicts drop and relabel, and written answers train too; evaluation queries stay out of it", async () => {
  const run = await whole(input(asking({ bm25: { count: 4, last: 14 } }), judged));
  const set = setOf(run);
  const rows = rowsOf(set);
  expect(rows.map(({ query, positive }) => [query, positive])).toEqual([
    [0, 0],
    [1, 1],
    [2, 4],
    [3, 5],
    [0, 3],
    [1, -1],
  ]);
  expect(set.documents[set.rows[5]?.positive ?? 0]).toBe("the dog ran");
  for (const { query, negatives } of rows) {
    if (query !== 0) continue;
    for (const { place } of negatives) expect([0, 2, 3]).not.toContain(place);
  }
  // d3 shares no word with "cat mat": it became an answer without having been a candidate.
  expect(run.result.gate).toMatchObject({ dropped: 1, relabelled: 0 });
  // d3 is judged relevant to the test query q5.
  expect(run.result.leak?.sharedDocument).toBe(1);
});

const wide = { bm25: { count: 1, last: 14 }, ance: { count: 1 }, adore: { count: 1 } };

test("training gets the collection, its vectors, and for each row what it may not find", async () => {
  const { by, log } = watched();
  const run = await whole(input(asking(wide), judged), by);
  const [refresh] = log.refresh;
  expect(refresh?.requests.map(({ source }) => source)).toEqual(["ance", "adore"]);
  expect(refresh?.corpus).toEqual(texts);
  expect(refresh?.vectors).toEqual(productsOf(run.reports).vectorsBefore);
  // q0: its answer, the dropped and the relabelled document, in both of its rows.
  expect(refresh?.excluded).toEqual([[0, 2, 3], [1], [4], [5], [0, 2, 3], [1]]);
});

test("with a gate, training may not find what the guide scores too near the positive; a resumed run rules out the same", async () => {
  const config = asking(wide, { gate: { filter: "margin", value: 0.1 } });
  const { by, log } = watched();
  const run = await whole(input(config), by);
  const scores = await cosines(tinyEncoder());
  const expected = train.map(({ queryId, documentId }) => {
    const [query, positive] = [Number(queryId.slice(1)), Number(documentId.slice(1))];
    const most = (scores[query]?.[positive] ?? 0) - 0.1;
    return documents.flatMap((_, place) => (place === positive || (scores[query]?.[place] ?? 0) > most ? [place] : []));
  });
  expect(log.refresh[0]?.excluded).toEqual(expected);
  expect(expected.flat().length).toBeGreaterThan(train.length);
  const again = watched();
  await whole(input(config, { products: productsOf(run.reports) }), again.by);
  expect(again.log.refresh[0]?.excluded).toEqual(expected);
});

test("without ANCE and ADORE, or without found negatives, training searches nothing", async () => {
  const { by, log } = watched();
  await whole(input(asking({ bm25: {} })), by);
  await whole(input(asking({ synthetic: {}, ance: {} }, { mix: "synthetic" })), by);
  expect(log.refresh).toEqual([undefined, undefined]);
});

test("alone under the mix found, ANCE takes the places of the written negatives", async () => {
  const { by, log } = watched();
  await whole(input(asking({ synthetic: { count: 1 }, ance: { count: 3 } }, { mix: "found" })), by);
  expect(log.refresh[0]?.requests).toMatchObject([{ source: "ance", count: 4 }]);
});

test("batches by topic: rows of one query are of one topic, and rows that are given get topics too", async () => {
  const config = asking({ bm25: { last: 14 } }, { batches: "topics", topics: 2 });
  const run = await whole(input(config, judged));
  const set = setOf(run);
  expect(set.topics).toHaveLength(6);
  expect(new Set(set.topics)).toEqual(new Set([0, 1]));
  expect([set.topics?.[0], set.topics?.[1]]).toEqual([set.topics?.[4], set.topics?.[5]]);
  const { topics: _, ...bare } = set;
  const again = await whole(input(config, { trainingSet: bare }));
  expect(setOf(again).topics).toEqual(set.topics);
});

test("where the gate leaves nothing, the error says how much it left out", async () => {
  const closed = { ...gated, gate: { filter: "absolute", value: -1 }, mix: "synthetic" } as const;
  await expect(whole(input(closed))).rejects.toThrow("The gate left out 1 of 1.");
});

test("direct with one synthetic negative a query says that it cannot be told from hybrid", async () => {
  const run = await whole(input({ ...recipe, steps: 1, mix: "direct" }));
  expect(run.result.notes.join(" ")).toContain(
    "Give at least two synthetic negatives a query to tell direct from hybrid.",
  );
});

test("a recipe that asks for f16 where there is none is told so once, and trains in f32", async () => {
  const asked = await whole(input({ ...recipe, steps: 1, precision: "f16" }));
  const usual = await whole(input({ ...recipe, steps: 1 }));
  const words = "The recipe asks for f16, but training computes in f32: the CPU engine knows no other.";
  expect(asked.result.notes.filter((note) => note === words)).toHaveLength(1);
  expect(usual.result.notes.join(" ")).not.toContain("f16");
  expect(asked.result.systems.after).toEqual(usual.result.systems.after);
  const measured = await whole(input({ ...recipe, steps: 0, precision: "f16" }));
  expect(measured.result.notes.join(" ")).not.toContain("f16");
});
