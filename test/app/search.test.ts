import { expect, it } from "vitest";
import { exampleQueries, searchFor } from "../../src/app/search.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { EncoderStages, RetrieverStages } from "../../src/domain/stages.ts";
import { setField } from "../../src/app/recipe.ts";
import { startRun } from "../../src/app/run.ts";
import { collection, fakeApp, recordOf, scripted } from "./fakes.ts";

const counts = { indexed: 0 };
const retriever: Partial<RetrieverStages> = {
  indexText: async function* () {
    counts.indexed++;
    return { documents: 2, terms: 5, averageLength: 4 };
  },
  searchText: async function* ({ queries }) {
    const best = queries[0]?.text.includes("tides") ? "d1" : "d2";
    return [{ queryId: queryId("typed"), hits: [{ documentId: documentId(best), score: 1 }] }];
  },
};

it("searches by BM25 alone before there is a run, and marks the answers of the collection's own queries", async () => {
  counts.indexed = 0;
  const app = await fakeApp({ retriever });
  await searchFor(app, "why tides");
  expect(app.search.results.value).toMatchObject({
    query: "why tides",
    bm25: [{ documentId: "d1" }],
    encoder: undefined,
  });
  expect([...(app.search.results.value?.answers ?? [])]).toEqual(["d1"]);
  await searchFor(app, "tides, but other words");
  expect(app.search.results.value?.answers.size).toBe(0);
  expect(counts.indexed).toBe(1);
});

it("shows the last query asked, whatever was asked before it was answered", async () => {
  const app = await fakeApp({ retriever });
  await Promise.all([searchFor(app, "tides"), searchFor(app, "frost"), searchFor(app, "pipes")]);
  expect(app.search.results.value?.query).toBe("pipes");
  expect(app.search.busy.value).toBeUndefined();
});

it("is ready again after a search that failed", async () => {
  let fails = true;
  const indexText: RetrieverStages["indexText"] = async function* () {
    if (fails) throw new Error("no");
    return { documents: 2, terms: 5, averageLength: 4 };
  };
  const app = await fakeApp({ retriever: { ...retriever, indexText } });
  await expect(searchFor(app, "tides")).rejects.toThrow("no");
  expect(app.search.busy.value).toBeUndefined();
  fails = false;
  await searchFor(app, "tides");
  expect(app.search.results.value?.bm25).toHaveLength(1);
});

it("has the encoder's hits alone and fused with BM25, before and after", async () => {
  const hits = (...ids: string[]) => ids.map((id, i) => ({ documentId: documentId(id), score: -i }));
  const asked: string[] = [];
  const ranking = (...ids: string[]) => [{ queryId: queryId("typed"), hits: hits(...ids) }];
  const encoder: Partial<EncoderStages> = {
    open: async function* () {
      return { model: asked.push("open"), card: {}, engine: {} } as never;
    },
    encode: async function* ({ model, texts }) {
      asked.push(`${texts.join()} by ${model}`);
      return { dimensions: 1, values: Float32Array.of(model) };
    },
  };
  const searching: Partial<RetrieverStages> = {
    ...retriever,
    indexVectors: async function* () {},
    searchFused: async function* ({ name, queries, vectors, depth }) {
      asked.push(`${name}: ${queries.map((query) => query.text).join()} ${vectors.values.join()} to ${depth}`);
      return name === "before"
        ? { alone: ranking("d1"), rrf: ranking("d1", "d2"), zscore: ranking("d2", "d1") }
        : { alone: ranking("d2"), rrf: ranking("d2", "d1"), zscore: [] };
    },
  };
  const { pipeline } = scripted([]);
  const app = await fakeApp({ retriever: searching, encoder, pipeline });
  await startRun(app);
  const vectors = { dimensions: 1, values: Float32Array.of(1, 2) };
  for (const name of ["vectorsBefore", "vectorsAfter"] as const)
    await app.deps.store.putProduct(recordOf(app).id, { name, value: vectors });
  await searchFor(app, " why tides ");
  expect(asked).toEqual([
    "open",
    "open",
    "why tides by 1",
    "before: why tides 1 to 100",
    "why tides by 2",
    "after: why tides 2 to 100",
  ]);
  expect(app.search.results.value?.encoder).toEqual({
    before: { alone: hits("d1"), rrf: hits("d1", "d2"), zscore: hits("d2", "d1") },
    after: { alone: hits("d2"), rrf: hits("d2", "d1"), zscore: [] },
  });
  expect(app.search.rankedBy.value).toBe("alone");
});

it("searches trained queries in the documents' vectors from before, where queries alone were trained", async () => {
  const indexed: string[] = [];
  const encoder: Partial<EncoderStages> = {
    open: async function* () {
      return { model: 1, card: {}, engine: {} } as never;
    },
    encode: async function* () {
      return { dimensions: 1, values: new Float32Array(1) };
    },
  };
  const searching: Partial<RetrieverStages> = {
    ...retriever,
    indexVectors: async function* ({ name, vectors }) {
      indexed.push(`${name}: ${vectors.values.join()}`);
    },
    searchFused: async function* () {
      return { alone: [], rrf: [], zscore: [] };
    },
  };
  const app = await fakeApp({ retriever: searching, encoder, pipeline: scripted([]).pipeline });
  setField(app, "side", "queries");
  await startRun(app);
  const vectors = { dimensions: 1, values: Float32Array.of(1, 2) };
  await app.deps.store.putProduct(recordOf(app).id, { name: "vectorsBefore", value: vectors });
  await searchFor(app, "why tides");
  expect(indexed).toEqual(["before: 1,2", "after: 1,2"]);
});

it("offers queries held out from training", () => {
  const judgement = { queryId: queryId("q1"), documentId: documentId("d1"), grade: 1 };
  expect(exampleQueries({ ...collection, judgements: { train: [], test: [judgement] } }, 3)).toEqual(["why tides"]);
  expect(exampleQueries({ ...collection, judgements: { train: [judgement], test: [] } }, 3)).toEqual([]);
  expect(exampleQueries({ ...collection, judgements: { all: [judgement] } }, 3)).toEqual(["why tides"]);
});
