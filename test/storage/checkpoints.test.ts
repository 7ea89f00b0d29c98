import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, expect, test, vi } from "vitest";
import { runId } from "../../src/domain/ids.ts";
import type { DamagedRecord } from "../../src/storage/errors.ts";
import { abortForQuota, checkpointOf, faultAtPut, type Fault, freshName, openTestStore } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const run = runId("r1");

/** Overwrites one byte of a part through another connection, or removes it. */
async function damage(
  name: string,
  slot: 0 | 1,
  arena: string,
  how: "flip" | "remove" | "shorten" | "lengthen",
): Promise<void> {
  const database = await openDB(name);
  const key = ["checkpoint", run, `${slot}/${arena}`, 0];
  const part: unknown = await database.get("parts", key);
  if (!(part instanceof Uint8Array)) throw new Error("no part");
  if (how === "remove") await database.delete("parts", key);
  else if (how === "shorten") await database.put("parts", part.slice(4), key);
  else if (how === "lengthen") await database.put("parts", new Uint8Array(part.length + 4), key);
  else await database.put("parts", part.with(5, (part[5] ?? 0) ^ 16), key);
  database.close();
}

test("the newest checkpoint comes back bit for bit, and at most two are kept", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  expect(await store.loadCheckpoint(run)).toBeUndefined();
  for (let step = 1; step <= 5; step++) {
    await store.saveCheckpoint(run, checkpointOf(step));
    expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(step));
  }
  const database = await openDB(name);
  expect(await database.count("parts")).toBe(6);
  database.close();
});

test("a checkpoint of several parts, views into larger buffers and an empty arena come back", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const long = checkpointOf(3, 2 ** 20 + 17);
  const wide = new Float32Array(40).fill(7);
  const checkpoint = { ...long, firstMoment: wide.subarray(3, 8), secondMoment: new Float32Array() };
  await store.saveCheckpoint(run, checkpoint);
  const loaded = await store.loadCheckpoint(run);
  expect(loaded?.step).toBe(3);
  // Compared as bytes: element by element a million numbers take seconds.
  expect(Buffer.from(loaded?.weights.buffer ?? new ArrayBuffer()).equals(Buffer.from(long.weights.buffer))).toBe(true);
  expect(loaded?.firstMoment).toEqual(new Float32Array(5).fill(7));
  expect(loaded?.secondMoment).toEqual(new Float32Array());
  const database = await openDB(name);
  const parts: Uint8Array[] = await database.getAll("parts");
  expect(parts.map((part) => part.buffer.byteLength)).toEqual([20, 4 * 2 ** 20, 4 * 17]);
  for (const step of [4, 5]) await store.saveCheckpoint(run, checkpointOf(step));
  expect(await database.count("parts")).toBe(6);
  database.close();
});

test.each(["flip", "remove", "shorten", "lengthen"] as const)(
  "a damaged slot (%s) falls back to the other",
  async (how) => {
    const name = freshName();
    const store = await openTestStore(name);
    await store.saveCheckpoint(run, checkpointOf(1));
    await store.saveCheckpoint(run, checkpointOf(2));
    await damage(name, 1, "secondMoment", how);
    const heard: DamagedRecord[] = [];
    expect(await store.loadCheckpoint(run, (error) => heard.push(error))).toEqual(checkpointOf(1));
    expect(heard).toMatchObject([{ name: "DamagedRecord", message: expect.stringContaining("newer checkpoint") }]);
    await store.saveCheckpoint(run, checkpointOf(3));
    expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(3));
  },
);

test("with both slots damaged there is no checkpoint, and both are named", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.saveCheckpoint(run, checkpointOf(1));
  await store.saveCheckpoint(run, checkpointOf(2));
  await damage(name, 0, "weights", "flip");
  await damage(name, 1, "weights", "flip");
  const heard: DamagedRecord[] = [];
  expect(await store.loadCheckpoint(run, (error) => heard.push(error))).toBeUndefined();
  expect(heard).toHaveLength(2);
});

test("a part that the browser cannot read counts as damaged", async () => {
  const store = await openTestStore(freshName());
  await store.saveCheckpoint(run, checkpointOf(1));
  await store.saveCheckpoint(run, checkpointOf(2));
  const get = IDBObjectStore.prototype.get;
  vi.spyOn(IDBObjectStore.prototype, "get").mockImplementation(function (this: IDBObjectStore, key) {
    if (Array.isArray(key) && key[2] === "1/weights") throw new DOMException("lost", "NotReadableError");
    return get.call(this, key);
  });
  expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(1));
});

const failures: Record<string, { readonly fault: Fault; readonly name: string }> = {
  "an abort for quota": { fault: abortForQuota, name: "StorageFull" },
  "a quota error of the request": {
    fault: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
    name: "StorageFull",
  },
  "another abort": { fault: (transaction) => transaction.abort(), name: "AbortError" },
};
const places = Object.entries(failures).flatMap(([what, how]) => [1, 2, 3, 4].map((n) => ({ what, n, ...how })));

test.each(places)("$what at put $n leaves the earlier checkpoints", async ({ n, fault, name }) => {
  const store = await openTestStore(freshName());
  for (const step of [1, 2]) await store.saveCheckpoint(run, checkpointOf(step));
  const faulty = faultAtPut(n, fault);
  await expect(store.saveCheckpoint(run, checkpointOf(3))).rejects.toMatchObject({ name });
  faulty.restore();
  expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(2));
  await store.saveCheckpoint(run, checkpointOf(4));
  expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(4));
});

const withMined = (step: number, version: number) => ({
  ...checkpointOf(step),
  mined: { version, documents: Int32Array.of(3, -1, 2 ** 20, version) },
});

test("what ANCE found comes back with its checkpoint, and goes with it", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.saveCheckpoint(run, withMined(4, 2));
  expect(await store.loadCheckpoint(run)).toEqual(withMined(4, 2));
  // A view into a larger buffer.
  const wide = Int32Array.from({ length: 20 }, (_, i) => i);
  await store.saveCheckpoint(run, { ...checkpointOf(5), mined: { version: 4, documents: wide.subarray(5, 8) } });
  expect((await store.loadCheckpoint(run))?.mined).toEqual({ version: 4, documents: Int32Array.of(5, 6, 7) });
  await store.saveCheckpoint(run, checkpointOf(6));
  expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(6));
  const database = await openDB(name);
  expect(await database.count("parts")).toBe(7);
  await store.removeRun(run);
  expect(await database.count("parts")).toBe(0);
  database.close();
});

test("a checkpoint whose ANCE negatives are damaged is passed over", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.saveCheckpoint(run, withMined(1, 0));
  await store.saveCheckpoint(run, withMined(2, 0));
  await damage(name, 1, "mined", "flip");
  expect(await store.loadCheckpoint(run)).toEqual(withMined(1, 0));
});

test("a checkpoint from before there was ANCE loads", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.saveCheckpoint(run, withMined(3, 0));
  const database = await openDB(name);
  const [old] = (await database.getAll("checkpoints")) as { slots: ({ mined?: unknown } | undefined)[] }[];
  delete old?.slots.find((slot) => slot)?.mined;
  await database.put("checkpoints", old);
  await database.delete("parts", ["checkpoint", run, "0/mined", 0]);
  database.close();
  expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(3));
});

const tuned = (step: number) => ({
  ...checkpointOf(step),
  tuning: { frozenLayers: 1, lora: { rank: 2, alpha: 4, matrices: ["output" as const] } },
  best: { step: step - 1, score: 0.25 + step / 64, looked: step, weights: Float32Array.of(step, -1, 0.5) },
});

test("what trains and what was best on dev come back with their checkpoint, and go with it", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.saveCheckpoint(run, tuned(4));
  expect(await store.loadCheckpoint(run)).toEqual(tuned(4));
  await store.saveCheckpoint(run, { ...tuned(5), ...withMined(5, 2) });
  expect(await store.loadCheckpoint(run)).toEqual({ ...tuned(5), ...withMined(5, 2) });
  // After the last step both are the same arena.
  const { best } = tuned(6);
  await store.saveCheckpoint(run, { ...tuned(6), weights: best.weights });
  expect(await store.loadCheckpoint(run)).toEqual({ ...tuned(6), weights: best.weights });
  for (const step of [7, 8]) await store.saveCheckpoint(run, checkpointOf(step));
  expect(await store.loadCheckpoint(run)).toEqual(checkpointOf(8));
  const database = await openDB(name);
  expect(await database.count("parts")).toBe(6);
  database.close();
});

test("a checkpoint whose best weights are damaged is passed over", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  await store.saveCheckpoint(run, tuned(1));
  await store.saveCheckpoint(run, tuned(2));
  await damage(name, 1, "best", "flip");
  expect(await store.loadCheckpoint(run)).toEqual(tuned(1));
});

test.each(places.filter(({ n }) => n === 4))(
  "$what at the put of the best leaves the earlier one",
  async ({ fault, name }) => {
    const store = await openTestStore(freshName());
    await store.saveCheckpoint(run, tuned(1));
    const faulty = faultAtPut(4, fault);
    await expect(store.saveCheckpoint(run, tuned(2))).rejects.toMatchObject({ name });
    faulty.restore();
    expect(await store.loadCheckpoint(run)).toEqual(tuned(1));
  },
);

test.each(places.filter(({ n }) => n === 4))(
  "$what at the put of ANCE's negatives leaves the earlier checkpoints",
  async ({ fault, name }) => {
    const store = await openTestStore(freshName());
    await store.saveCheckpoint(run, withMined(1, 0));
    const faulty = faultAtPut(4, fault);
    await expect(store.saveCheckpoint(run, withMined(2, 1))).rejects.toMatchObject({ name });
    faulty.restore();
    expect(await store.loadCheckpoint(run)).toEqual(withMined(1, 0));
  },
);

test("checkpoints of different runs do not meet", async () => {
  const store = await openTestStore(freshName());
  await store.saveCheckpoint(run, checkpointOf(1));
  await store.saveCheckpoint(runId("r10"), checkpointOf(2));
  await store.removeRun(run);
  expect(await store.loadCheckpoint(run)).toBeUndefined();
  expect(await store.loadCheckpoint(runId("r10"))).toEqual(checkpointOf(2));
});
