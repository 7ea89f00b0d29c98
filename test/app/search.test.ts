import { expect, it } from "vitest";
import { exampleQueries, searchFor } from "../../src/app/search.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { RetrieverStages } from "../../src/domain/stages.ts";
import { collection, fakeApp } from "./fakes.ts";

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

it("offers queries held out from training", () => {
  const judgement = { queryId: queryId("q1"), documentId: documentId("d1"), grade: 1 };
  expect(exampleQueries({ ...collection, judgements: { train: [], test: [judgement] } }, 3)).toEqual(["why tides"]);
  expect(exampleQueries({ ...collection, judgements: { train: [judgement], test: [] } }, 3)).toEqual([]);
  expect(exampleQueries({ ...collection, judgements: { all: [judgement] } }, 3)).toEqual(["why tides"]);
});
