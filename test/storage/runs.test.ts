import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, expect, test, vi } from "vitest";
import { documentId, queryId, runId } from "../../src/domain/ids.ts";
import type { RunProduct, RunProducts, SystemResult } from "../../src/domain/run.ts";
import type { DamagedRecord } from "../../src/storage/errors.ts";
import { abortForQuota, checkpointOf, faultAtPut, freshName, openTestStore, runOf } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const id = runId("r1");

const system: SystemResult = {
  scores: {
    queryIds: [queryId("q1")],
    perQuery: { "ndcg@10": [0.1 + 0.2] },
    mean: { "ndcg@10": { value: Number.NaN, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY } },
  },
  rankings: [{ queryId: queryId("q1"), hits: [{ documentId: documentId("null"), score: 1 / 3 }] }],
};
const products: readonly RunProduct[] = [
  {
    name: "trainingSet",
    value: { queries: ["a"], documents: ["b null", "c"], rows: [{ query: 0, positive: 0, negatives: [] }] },
  },
  { name: "bm25", value: system },
  { name: "vectorsBefore", value: { dimensions: 2, values: Float32Array.of(Number.NaN, 1, -0, 3) } },
];
const together = Object.fromEntries(products.map(({ name, value }) => [name, value])) satisfies RunProducts;

test("runs come back newest first, and a later put replaces the earlier", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.putRun(runOf("a", "2026-01-01T00:00:00.000Z"));
  await store.putRun(runOf("b", "2026-03-01T00:00:00.000Z"));
  await store.putRun(runOf("c", "2026-02-01T00:00:00.000Z"));
  await store.putRun({ ...runOf("a"), status: "failed", failure: "no GPU" });
  store.close();
  const again = await openTestStore(name);
  expect((await again.listRuns()).map((run) => run.id)).toEqual(["b", "c", "a"]);
  expect(await again.readRun(runId("a"))).toEqual({ ...runOf("a"), status: "failed", failure: "no GPU" });
  expect(await again.readRun(runId("z"))).toBeUndefined();
});

test("a run record that does not fit leaves the earlier one", async () => {
  const store = await openTestStore(freshName());
  await store.putRun(runOf("a"));
  const fault = faultAtPut(1, abortForQuota);
  await expect(store.putRun({ ...runOf("a"), status: "finished" })).rejects.toMatchObject({
    name: "StorageFull",
    message: expect.stringContaining("this run record needs 0.1 MB"),
  });
  fault.restore();
  expect(await store.readRun(runId("a"))).toEqual(runOf("a"));
});

test("products come back with every number as it was", async () => {
  const store = await openTestStore(freshName());
  expect(await store.readProducts(id)).toEqual({});
  for (const product of products) await store.putProduct(id, product);
  expect(await store.readProducts(id)).toEqual(together);
  expect(await store.readProducts(runId("r"))).toEqual({});
});

test("a product replaces the one before it, or leaves it when storage is full", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const vectors = (length: number): RunProduct => ({
    name: "vectorsAfter",
    value: { dimensions: 1, values: new Float32Array(length).fill(length) },
  });
  await store.putProduct(id, vectors(3_000_000));
  await store.putProduct(id, vectors(2));
  const database = await openDB(name);
  expect(await database.count("parts")).toBe(1);
  database.close();
  const fault = faultAtPut(2, abortForQuota);
  await expect(store.putProduct(id, vectors(1))).rejects.toMatchObject({
    name: "StorageFull",
    message: expect.stringContaining("document vectors after training"),
  });
  fault.restore();
  expect(await store.readProducts(id)).toEqual({ vectorsAfter: { dimensions: 1, values: Float32Array.of(2, 2) } });
});

test("a damaged product is thrown, or reported and left out", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  for (const product of products) await store.putProduct(id, product);
  const database = await openDB(name);
  await database.put("parts", new Uint8Array(7), ["product", id, "bm25", 0]);
  database.close();
  await expect(store.readProducts(id)).rejects.toMatchObject({
    name: "DamagedRecord",
    message: expect.stringContaining("its rankings by BM25"),
  });
  const heard: DamagedRecord[] = [];
  const { bm25: _, ...rest } = together;
  expect(await store.readProducts(id, (error) => heard.push(error))).toEqual(rest);
  expect(heard).toHaveLength(1);
});

test("removing a run takes its products and checkpoints with it and nothing else", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  for (const run of ["r1", "r2"]) {
    await store.putRun(runOf(run));
    await store.saveCheckpoint(runId(run), checkpointOf(1));
    for (const product of products) await store.putProduct(runId(run), product);
  }
  await store.removeRun(id);
  expect(await store.readRun(id)).toBeUndefined();
  expect(await store.readProducts(id)).toEqual({});
  expect(await store.readProducts(runId("r2"))).toEqual(together);
  expect(await store.loadCheckpoint(runId("r2"))).toEqual(checkpointOf(1));
  const database = await openDB(name);
  for (const kind of ["runs", "products", "checkpoints", "parts"]) {
    const keys = (await database.getAllKeys(kind)).flat();
    expect(keys).toContain("r2");
    expect(keys).not.toContain("r1");
  }
  database.close();
});

test("one record that the browser cannot read does not hide the others", async () => {
  const heard: DamagedRecord[] = [];
  const name = freshName();
  const store = await openTestStore(name, { onDamaged: (error) => heard.push(error) });
  const strict = await openTestStore(name);
  for (const run of ["a", "b", "c"]) await store.putRun(runOf(run));
  const get = IDBObjectStore.prototype.get;
  vi.spyOn(IDBObjectStore.prototype, "getAll").mockImplementation(() => {
    throw new DOMException("lost", "NotReadableError");
  });
  vi.spyOn(IDBObjectStore.prototype, "get").mockImplementation(function (this: IDBObjectStore, key) {
    if (key === "b") throw new DOMException("lost", "NotReadableError");
    return get.call(this, key);
  });
  expect((await store.listRuns()).map((run) => run.id).toSorted()).toEqual(["a", "c"]);
  expect(heard).toMatchObject([
    { name: "DamagedRecord", message: expect.stringContaining("stored run is damaged (b)") },
  ]);
  await expect(strict.listRuns()).rejects.toMatchObject({ name: "DamagedRecord" });
});
