import { describe, expect, it } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { createRetriever } from "../../src/retrieval/service.ts";

const documents = ["red fish", "blue fish", "green tree"].map((text, i) => ({
  id: documentId(`d${i}`),
  title: "",
  text,
}));
const ids = documents.map(({ id }) => id);
const queries = [{ id: queryId("q1"), text: "blue fishes" }, { id: queryId("q2"), text: "trees" }]; // prettier-ignore
const unit = { dimensions: 3, values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) };
const towards = { dimensions: 3, values: Float32Array.of(0.6, 0.8, 0, 0, 0, 1) };
const judgements = [
  { queryId: queryId("q1"), documentId: documentId("d1"), grade: 1 },
  { queryId: queryId("q2"), documentId: documentId("d0"), grade: 1 },
];

describe("the retriever", () => {
  it("goes from documents to a comparison", async () => {
    const retriever = createRetriever();
    const summary = await finish(retriever.indexText({ documents }));
    expect(summary).toEqual({ documents: 3, terms: 5, averageLength: 2 });
    const byText = await finish(retriever.searchText({ queries, depth: 2 }));
    expect(byText.map((ranking) => ranking.hits.map((hit) => hit.documentId))).toEqual([["d1", "d0"], ["d2"]]);

    await finish(retriever.indexVectors({ name: "before", ids, vectors: unit }));
    const queryIds = queries.map(({ id }) => id);
    const byVector = await finish(retriever.searchVectors({ name: "before", queryIds, vectors: towards, depth: 1 }));
    expect(byVector.map((ranking) => ranking.hits[0]?.documentId)).toEqual(["d1", "d2"]);
    expect(byVector[0]?.hits[0]?.score).toBe(Math.fround(0.8));

    const metrics = ["mrr@10"] as const;
    const a = await finish(retriever.evaluate({ rankings: [], judgements, metrics, seed: 1 }));
    const b = await finish(retriever.evaluate({ rankings: byText, judgements, metrics, seed: 1 }));
    expect(b.perQuery["mrr@10"]).toEqual([1, 0]);
    const comparison = await finish(retriever.compare({ a, b, metric: "mrr@10", seed: 1 }));
    expect(comparison).toMatchObject({ difference: { value: 0.5 }, pValue: 1, verdict: "no reliable difference" });

    const fused = await finish(retriever.searchFused({ name: "before", queries, vectors: towards, depth: 2 }));
    expect(fused.alone.map((ranking) => ranking.hits[0]?.documentId)).toEqual(["d1", "d2"]);
    // q1: d1 is first in both lists, d0 second in both.
    expect(fused.rrf[0]?.hits.map((hit) => hit.documentId)).toEqual(["d1", "d0"]);
    expect(fused.rrf[0]?.hits[0]?.score).toBe(Math.fround(2 / 61));
    const only = await finish(retriever.restrict({ scores: b, queryIds: [queryId("q2")], seed: 1 }));
    expect(only).toMatchObject({ queryIds: ["q2"], mean: { "mrr@10": { value: 0, low: 0, high: 0 } } });
  });

  it("holds vector indexes by name and replaces one that is made again", async () => {
    const retriever = createRetriever();
    const first = async (name: string): Promise<unknown> => {
      const input = {
        name,
        queryIds: [queryId("q")],
        vectors: { dimensions: 1, values: Float32Array.of(1) },
        depth: 1,
      };
      return (await finish(retriever.searchVectors(input)))[0]?.hits[0]?.documentId;
    };
    const index = (name: string, ...values: number[]) =>
      finish(
        retriever.indexVectors({
          name,
          ids: ids.slice(0, 2),
          vectors: { dimensions: 1, values: Float32Array.from(values) },
        }),
      );
    await index("before", 1, 0);
    await index("after", 0, 1);
    expect([await first("before"), await first("after")]).toEqual(["d0", "d1"]);
    await index("before", 0, 1);
    expect(await first("before")).toBe("d1");
  });

  it("keeps the old text index when the making of a new one is stopped", async () => {
    const retriever = createRetriever();
    await finish(retriever.indexText({ documents }));
    const many = Array.from({ length: 1000 }, (_, i) => ({ id: documentId(`x${i}`), title: "", text: "fish" }));
    for await (const { done } of retriever.indexText({ documents: many })) if (done >= 250) break;
    const [ranking] = await finish(retriever.searchText({ queries, depth: 1 }));
    expect(ranking?.hits[0]?.documentId).toBe("d1");
  });

  it("has no answer from an index that was not made, nor for systems measured on different queries", async () => {
    const retriever = createRetriever();
    await expect(finish(retriever.searchText({ queries, depth: 1 }))).rejects.toThrow(
      "internal: the text index is missing",
    );
    const search = retriever.searchVectors({ name: "after", queryIds: [], vectors: unit, depth: 1 });
    await expect(finish(search)).rejects.toThrow("internal: the vector index after is missing");
    const fused = retriever.searchFused({ name: "after", queries: [], vectors: unit, depth: 1 });
    await expect(finish(fused)).rejects.toThrow("internal: the vector index after is missing");

    const metrics = ["mrr@10"] as const;
    const a = await finish(retriever.evaluate({ rankings: [], judgements, metrics, seed: 1 }));
    const b = await finish(retriever.evaluate({ rankings: [], judgements: judgements.slice(1), metrics, seed: 1 }));
    await expect(finish(retriever.compare({ a, b, metric: "mrr@10", seed: 1 }))).rejects.toThrow("different queries");
    await expect(finish(retriever.compare({ a, b: a, metric: "ndcg@10", seed: 1 }))).rejects.toThrow(
      "ndcg@10 is missing",
    );
  });
});
