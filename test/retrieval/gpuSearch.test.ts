/** Search with products on WebGPU (SwiftShader here) against search on the CPU and against sorting all scores. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { Vectors } from "../../src/domain/encoder.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { openGpu, type Gpu } from "../../src/gpu/device.ts";
import { DeviceLost, GpuUnavailable, outOfMemory } from "../../src/gpu/errors.ts";
import { Pipelines } from "../../src/gpu/pass.ts";
import { denseIndex, searchDense, type DenseIndex } from "../../src/retrieval/dense.ts";
import { GpuSearch, openGpuSearch } from "../../src/retrieval/gpuSearch.ts";
import { createRetriever } from "../../src/retrieval/service.ts";
import { vulkanGpu } from "../support/device.ts";
import { last } from "./last.ts";
import { direct, documentIds, halves, queryIds, row, rowsOf, unitVectors } from "./vectors.ts";

/** Documents that are searched on the CPU first. */
const first = 1024;

let gpu: Gpu;
/** The kernel is compiled once for all tests: that takes seconds in software. */
let pipelines: Pipelines;
beforeAll(async () => {
  gpu = await openGpu(await vulkanGpu());
  pipelines = new Pipelines(gpu);
}, 120_000);
afterAll(() => {
  gpu.dispose();
});
afterEach(() => vi.restoreAllMocks());

const searchOn = (of: Gpu, capacity: number) =>
  new GpuSearch({ gpu: of, pipelines: of === gpu ? pipelines : new Pipelines(of), capacity });
const indexOf = (documents: Vectors): DenseIndex => denseIndex(documentIds(rowsOf(documents)), documents);
const inputOf = (vectors: Vectors, depth: number) => ({ queryIds: queryIds(rowsOf(vectors)), vectors, depth });
const onCpu = (index: DenseIndex, queries: Vectors, depth: number): Ranking[] =>
  last(searchDense(index, inputOf(queries, depth)));

/** The rankings on the GPU, which did not fail, and how many blocks it searched. */
async function onGpu(index: DenseIndex, queries: Vectors, { depth = 10, capacity = 2 ** 16 } = {}) {
  const search = searchOn(gpu, capacity);
  const rankings = await finish(search.search(index, inputOf(queries, depth)));
  expect(search.fault).toBeUndefined();
  return { rankings, blocks: search.blocks };
}

/** Bytes of the buffers that are held from now on. */
function heldBytes(of: Gpu): () => number {
  const held = new Map<GPUBuffer, number>();
  const [allocate, free] = [of.allocate.bind(of), of.free.bind(of)];
  vi.spyOn(of, "allocate").mockImplementation((label, bytes, usage) => {
    const buffer = allocate(label, bytes, usage);
    held.set(buffer, bytes);
    return buffer;
  });
  vi.spyOn(of, "free").mockImplementation((buffer) => {
    held.delete(buffer);
    free(buffer);
  });
  return () => [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
}

describe("search on WebGPU", () => {
  it.each([
    { documents: first + 1, queries: 1, dimensions: 3, depth: 1 },
    { documents: first + 63, queries: 65, dimensions: 1, depth: 10 },
    { documents: first + 257, queries: 7, dimensions: 385, depth: 100 },
    { documents: 1700, queries: 129, dimensions: 17, depth: 300 },
  ])("gives the same bits as on the CPU, at $documents × $queries × $dimensions", async (size) => {
    const [documents, queries] = [
      unitVectors(size.documents, size.dimensions, 1),
      unitVectors(size.queries, size.dimensions, 2),
    ];
    const index = indexOf(documents);
    const { rankings, blocks } = await onGpu(index, queries, size);
    expect(rankings).toEqual(onCpu(index, queries, size.depth));
    expect(rankings).toEqual(direct(documents, queries, size.depth));
    expect(blocks).toBeGreaterThan(0);
  });

  it("breaks ties as on the CPU, among many documents of the same score", async () => {
    const [documents, queries] = [halves(3000, 3, 1), halves(40, 3, 2)];
    const { rankings, blocks } = await onGpu(indexOf(documents), queries);
    expect(rankings).toEqual(direct(documents, queries, 10));
    expect(blocks).toBeGreaterThan(0);
  });

  it("finds the best document wherever it stands", async () => {
    const documents = unitVectors(first + 300, 5, 1);
    for (const place of [0, first - 1, first, first + 64, first + 299]) {
      const query = { dimensions: 5, values: row(documents, place).slice() };
      const { rankings } = await onGpu(indexOf(documents), query, { depth: 1 });
      expect(rankings[0]?.hits[0]?.documentId).toBe(`d${place}`);
    }
  });

  it("scores in float64 what float32 would put in the wrong order", async () => {
    // In float32 each 2⁻¹⁵ is lost beside 1024: the last document would have 1024, and those before it more.
    const small = Array.from({ length: 32 }, () => 2 ** -15);
    const before = Array.from({ length: first }, () => [1024 + 2 ** -12, ...small.map(() => 0)]);
    const documents = { dimensions: 33, values: Float32Array.from([...before.flat(), 1024, ...small]) };
    const query = { dimensions: 33, values: new Float32Array(33).fill(1) };
    const { rankings, blocks } = await onGpu(indexOf(documents), query, { depth: 1 });
    expect(rankings[0]?.hits).toEqual([{ documentId: `d${first}`, score: 1024 + 2 ** -10 }]);
    expect(blocks).toBe(1);
  });

  it("searches where there is little to search: no documents, one, fewer than the depth, no queries, no depth", async () => {
    for (const [documents, queries, depth] of [
      [0, 2, 5],
      [1, 2, 5],
      [30, 3, 100],
      [first + 200, 2, 2000],
      [first + 200, 0, 5],
      [first + 200, 2, 0],
    ] as const) {
      const index = indexOf(halves(documents, 3, 1));
      const asked = halves(queries, 3, 2);
      const { rankings } = await onGpu(index, asked, { depth });
      expect(rankings).toEqual(onCpu(index, asked, depth));
    }
  });

  it("searches in several blocks, and more queries than one group holds", async () => {
    const few = { documents: indexOf(unitVectors(3000, 8, 1)), queries: unitVectors(65, 8, 2) };
    const { rankings, blocks } = await onGpu(few.documents, few.queries, { capacity: 500 });
    expect(rankings).toEqual(onCpu(few.documents, few.queries, 10));
    expect(blocks).toBeGreaterThan(2);
    const many = { documents: indexOf(unitVectors(first + 400, 3, 1)), queries: unitVectors(1030, 3, 2) };
    const found = await onGpu(many.documents, many.queries, { depth: 2 });
    expect(found.rankings).toEqual(onCpu(many.documents, many.queries, 2));
    expect(found.blocks).toBe(2);
  });

  it("does a block on the CPU whose likely pairs are more than the list holds, and goes on with the GPU", async () => {
    // After the first documents 300 that are better, one after the other, then nothing but worse ones.
    const scores = Array.from({ length: 3000 }, (_, d) => (d < first ? 0.5 : d < first + 300 ? 1 + d / 1e5 : 0));
    const documents = { dimensions: 2, values: Float32Array.from(scores.flatMap((score) => [score, 0])) };
    const queries = { dimensions: 2, values: new Float32Array(2 * 20).fill(1) };
    const index = indexOf(documents);
    const { rankings, blocks } = await onGpu(index, queries, { depth: 3, capacity: 35 });
    expect(rankings).toEqual(direct(documents, queries, 3));
    // Of 256 documents each: the first two hold better ones.
    expect(blocks).toBeGreaterThan(0);
    expect(blocks).toBeLessThan(8);
    const none = await onGpu(index, queries, { depth: 3, capacity: 1 });
    expect(none.rankings).toEqual(rankings);
  });

  it("does on the CPU what float32 cannot hold, and compares where it just can", async () => {
    for (const [scale, used] of [
      [1e30, false],
      [1e17, true],
      [1e-22, true],
      [1e-38, true],
    ] as const) {
      const [documents, queries] = [unitVectors(first + 100, 3, 1), unitVectors(5, 3, 2)];
      documents.values.forEach((x, i) => (documents.values[i] = x * scale));
      queries.values.forEach((x, i) => (queries.values[i] = x * scale));
      const { rankings, blocks } = await onGpu(indexOf(documents), queries);
      expect(rankings).toEqual(direct(documents, queries, 10));
      expect(blocks > 0).toBe(used);
    }
  });

  it("refuses what search on the CPU refuses", async () => {
    const index = indexOf(halves(2, 2, 1));
    await expect(onGpu(index, halves(1, 3, 1))).rejects.toThrow("queries of 3 dimensions, documents of 2");
    const bad = { dimensions: 2, values: Float32Array.of(1, NaN) };
    await expect(onGpu(index, bad)).rejects.toThrow("not finite");
  });

  it("reports after each block, frees its buffers at the end, and when it is stopped", async () => {
    const held = heldBytes(gpu);
    const [index, queries] = [indexOf(unitVectors(3000, 8, 1)), unitVectors(65, 8, 2)];
    const search = searchOn(gpu, 500);
    const done: number[] = [];
    for await (const report of search.search(index, inputOf(queries, 10))) done.push(report.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(65);
    expect(done.length).toBeGreaterThan(search.blocks);
    expect(done.filter((n) => n > 0 && n < 65).length).toBeGreaterThan(2);
    expect(gpu.allocate).toHaveBeenCalled();
    expect(held()).toBe(0);
    for await (const { done } of search.search(index, inputOf(queries, 10))) {
      if (done === 0) continue;
      expect(held()).toBeGreaterThan(3000 * 8 * 4);
      break;
    }
    expect(held()).toBe(0);
  });

  it("goes on, with the GPU and the CPU, beside other searches of the same index", async () => {
    const index = indexOf(unitVectors(3000, 8, 1));
    const asked = [2, 3].map((seed) => unitVectors(150, 8, seed));
    const search = searchOn(gpu, 1000);
    const both = asked.map((queries) => search.search(index, inputOf(queries, 10)));
    const found: Ranking[][] = [];
    for (let turn = 0; turn < 100 && found.filter(Boolean).length < 2; turn++) {
      const results = await Promise.all(both.map((one) => one.next()));
      results.forEach((result, i) => result.done && result.value && (found[i] = result.value));
      onCpu(index, unitVectors(9, 8, turn), 2);
    }
    expect(found).toEqual(asked.map((queries) => onCpu(index, queries, 10)));
    expect(search.blocks).toBeGreaterThan(4);
  });
});

describe("when the GPU fails", () => {
  const [documents, queries] = [unitVectors(3000, 8, 1), unitVectors(65, 8, 2)];
  const index = indexOf(documents);
  const open = async () => {
    const own = await openGpu(await vulkanGpu());
    return { own, search: searchOn(own, 500) };
  };

  it("ends the search on the CPU when the device is lost, and does not use it again", async () => {
    const { own, search } = await open();
    const lost = search.search(index, inputOf(queries, 10));
    let result = await lost.next();
    while (!result.done && search.blocks === 0) result = await lost.next();
    own.device.destroy();
    while (!result.done) result = await lost.next();
    expect(result.value).toEqual(onCpu(index, queries, 10));
    expect(search.fault).toBeInstanceOf(DeviceLost);
    const { blocks } = search;
    vi.spyOn(own, "allocate");
    expect(await finish(search.search(index, inputOf(queries, 3)))).toEqual(onCpu(index, queries, 3));
    expect(search.blocks).toBe(blocks);
    expect(own.allocate).not.toHaveBeenCalled();
  });

  it("searches on the CPU where the GPU has no memory", async () => {
    const { own, search } = await open();
    vi.spyOn(own, "reserve").mockRejectedValue(outOfMemory("search", 1, "it has no memory left"));
    expect(await finish(search.search(index, inputOf(queries, 10)))).toEqual(onCpu(index, queries, 10));
    expect(search.blocks).toBe(0);
    expect(search.fault?.name).toBe("GpuOutOfMemory");
  });

  it("has no use for software, unless that is wanted", async () => {
    const adapter = await vulkanGpu();
    await expect(openGpuSearch(adapter)).rejects.toBeInstanceOf(GpuUnavailable);
    const wanted = await openGpuSearch(adapter, { software: true });
    expect(wanted.software).toBe(true);
    expect(wanted.name).toContain("(software)");
    wanted.dispose();
  });
});

describe("the retriever", () => {
  const [documents, queries] = [unitVectors(2000, 8, 1), unitVectors(70, 8, 2)];
  const index = indexOf(documents);
  const searched = async (retriever: ReturnType<typeof createRetriever>, some: Vectors) => {
    await finish(retriever.indexVectors({ name: "after", ids: index.ids, vectors: documents }));
    return finish(retriever.searchVectors({ name: "after", ...inputOf(some, 10) }));
  };

  it("opens a GPU once, when a search is first worth it, and searches with it", async () => {
    const search = searchOn(gpu, 1000);
    const openGpu = vi.fn(() => Promise.resolve(search));
    const retriever = createRetriever({ openGpu, leastWork: 70 * 2000 * 8 });
    const few = unitVectors(69, 8, 3);
    expect(await searched(retriever, few)).toEqual(onCpu(index, few, 10));
    expect(openGpu).not.toHaveBeenCalled();
    for (let time = 0; time < 2; time++) expect(await searched(retriever, queries)).toEqual(onCpu(index, queries, 10));
    expect(openGpu).toHaveBeenCalledTimes(1);
    expect(search.blocks).toBeGreaterThan(1);
  });

  it("leaves few queries and little work to the CPU", async () => {
    const openGpu = vi.fn(() => Promise.resolve(searchOn(gpu, 1000)));
    await searched(createRetriever({ openGpu, leastWork: 0 }), unitVectors(63, 8, 3));
    await searched(createRetriever({ openGpu }), queries);
    expect(openGpu).not.toHaveBeenCalled();
  });

  it("searches on the CPU where no GPU can be had, and asks once", async () => {
    const openGpu = vi.fn(() => Promise.reject(new GpuUnavailable("none")));
    const retriever = createRetriever({ openGpu, leastWork: 0 });
    for (let time = 0; time < 2; time++) expect(await searched(retriever, queries)).toEqual(onCpu(index, queries, 10));
    expect(openGpu).toHaveBeenCalledTimes(1);
  });
});
