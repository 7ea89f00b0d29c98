import { afterAll, beforeAll, expect, test } from "vitest";
import { sortRows } from "../../src/encoder/webgpu/texts.ts";
import { embeddingBackward, embeddingForward, embeddingLookup } from "../../src/kernels/embedding/embedding.ts";
import { embed, lookUp, tableGradient } from "../reference/embedding.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

test.each([
  { T: 1, H: 7, V: 1 },
  { T: 33, H: 65, V: 11 },
  { T: 129, H: 33, V: 300 },
])("forward and backward at %o", async ({ T, H, V }) => {
  // Some ids stand many times, some once, some never.
  const tokenIds = Int32Array.from({ length: T }, (_, i) => (i % 3 === 0 ? V - 1 : (i * i) % V));
  const positions = Int32Array.from({ length: T }, (_, i) => i % 5);
  const tables = { word: normals(V * H, "word"), position: normals(5 * H, "position"), type: normals(2 * H, "type") };
  const dx = normals(T * H, "dx");
  const rows = sortRows(tokenIds, V);
  const out = await bench.run({
    counts: { T, words: rows.ids.length },
    inputs: { ...tables, ...rows, tokenIds, positions, dx, dtable: new Float64Array(V * H) },
    outputs: { x: T * H },
    dispatches: (at) => [
      embeddingForward(
        {
          x: at("x"),
          counts: at("counts"),
          word: at("word"),
          position: at("position"),
          type: at("type"),
          tokenIds: at("tokenIds"),
          positions: at("positions"),
        },
        { H },
      ),
      embeddingBackward(
        { dtable: at("dtable"), rows: { ids: at("ids"), offsets: at("offsets"), order: at("order") }, dx: at("dx") },
        { H, distinct: "words" },
      ),
    ],
  });
  expect(error(out["x"], embed(tables, tokenIds, positions, H))).toBeLessThan(1e-6);
  expect(error(out["dtable"], tableGradient(dx, tokenIds, V, H))).toBeLessThan(1e-6);
});

test("a table's gradient is added to what is there, where a token reads", async () => {
  const [T, H, V] = [33, 65, 40];
  const tokenIds = Int32Array.from({ length: T }, (_, i) => (i * i) % 11);
  const [dx, dtable] = [normals(T * H, "dx"), normals(V * H, "there")];
  const rows = sortRows(tokenIds, V);
  const out = await bench.run({
    counts: { T, words: rows.ids.length },
    inputs: { ...rows, dx, dtable },
    outputs: {},
    dispatches: (at) => [
      embeddingBackward(
        { dtable: at("dtable"), rows: { ids: at("ids"), offsets: at("offsets"), order: at("order") }, dx: at("dx") },
        { H, distinct: "words", adds: true },
      ),
    ],
  });
  const truth = tableGradient(dx, tokenIds, V, H).map((value, i) => value + (dtable[i] ?? NaN));
  expect(error(out["dtable"], truth)).toBeLessThan(1e-6);
});

test("without token types, positions from any row on", async () => {
  const [T, H] = [33, 65];
  const tokenIds = Int32Array.from({ length: T }, (_, i) => (i * i) % 11);
  const positions = Int32Array.from({ length: T }, (_, i) => 2 + (i % 5));
  const [word, position] = [normals(11 * H, "word"), normals(7 * H, "position")];
  const out = await bench.run({
    counts: { T },
    inputs: { word, position, tokenIds, positions },
    outputs: { x: T * H },
    dispatches: (at) => [
      embeddingForward(
        {
          x: at("x"),
          counts: at("counts"),
          word: at("word"),
          position: at("position"),
          tokenIds: at("tokenIds"),
          positions: at("positions"),
        },
        { H },
      ),
    ],
  });
  const tables = { word, position, type: new Float64Array(H) };
  expect(error(out["x"], embed(tables, tokenIds, positions, H))).toBeLessThan(1e-6);
});

test.each([
  { T: 1, H: 1, V: 1 },
  { T: 7, H: 129, V: 5 },
  { T: 129, H: 33, V: 300 },
])("lookup at %o, with nothing written behind it", async ({ T, H, V }) => {
  const tokenIds = Int32Array.from({ length: T }, (_, i) => (i % 3 === 0 ? V - 1 : (i * i) % V));
  const word = normals(V * H, "word");
  const room = T * H + 65;
  const out = await bench.run({
    counts: { T },
    inputs: { word, tokenIds },
    outputs: { x: room },
    dispatches: (at) => [
      embeddingLookup({ x: at("x"), counts: at("counts"), word: at("word"), tokenIds: at("tokenIds") }, { H }),
    ],
  });
  expect(error(out["x"]?.subarray(0, T * H), lookUp(word, tokenIds, H))).toBe(0);
  expect(out["x"]?.subarray(T * H).every(Number.isNaN)).toBe(true);
});

test("rows are sorted stably, absent ones left out", () => {
  const { ids, offsets, order } = sortRows(Int32Array.from([4, 0, 4, 2, 0]), 6);
  expect([...ids]).toEqual([0, 2, 4]);
  expect([...offsets]).toEqual([0, 2, 3, 5]);
  expect([...order]).toEqual([1, 4, 3, 0, 2]);
});

test("the reference's gradient is its derivative", () => {
  const [ids, places, H] = [[1, 0, 1], [0, 1, 2], 2];
  const tables = { word: normals(4, "w"), position: normals(6, "p"), type: normals(2, "t") };
  const dx = normals(6, "dx");
  const numeric = differences((word) => embed({ ...tables, word }, ids, places, H), tables.word, dx);
  expect(error(numeric, tableGradient(dx, ids, 2, H))).toBeLessThan(1e-8);
  const looked = differences((word) => lookUp(word, ids, H), tables.word, dx);
  expect(error(looked, tableGradient(dx, ids, 2, H))).toBeLessThan(1e-8);
});
