import { afterEach, expect, test, vi } from "vitest";
import { digest } from "../../src/base/digest.ts";
import { megabytes } from "../../src/storage/errors.ts";
import { fromJson, toJson } from "../../src/storage/json.ts";
import { digestParts } from "../../src/storage/parts.ts";
import { lostData, noteCounts } from "../../src/storage/sentinel.ts";
import { claimWriter } from "../../src/storage/writer.ts";
import { FakeLocks } from "./support.ts";

afterEach(() => vi.unstubAllGlobals());

const soon = Symbol("still waiting");
const state = (promise: Promise<void>) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve(soon), 5))]);

test("the first tab writes; the second hears when it may", async () => {
  const locks = new FakeLocks();
  const first = await claimWriter(locks);
  const second = await claimWriter(locks);
  expect([first.writer, second.writer]).toEqual([true, false]);
  expect(await state(first.whenFree)).toBeUndefined();
  expect(await state(second.whenFree)).toBe(soon);
  first.release();
  expect(await state(second.whenFree)).toBeUndefined();
  const again = await claimWriter(locks);
  expect(again.writer).toBe(true);
});

test("a tab that stops waiting does not take the lock", async () => {
  const locks = new FakeLocks();
  const first = await claimWriter(locks);
  const second = await claimWriter(locks);
  second.release();
  first.release();
  expect(await state(second.whenFree)).toBe(soon);
  expect((await claimWriter(locks)).writer).toBe(true);
});

test("without Web Locks, or forbidden to use them, every tab writes", async () => {
  expect((await claimWriter(undefined)).writer).toBe(true);
  const locks = new FakeLocks();
  vi.spyOn(locks, "request").mockRejectedValue(new DOMException("no origin", "SecurityError"));
  expect((await claimWriter(locks)).writer).toBe(true);
});

test("the note tells a new visitor from lost data", () => {
  const kept = new Map<string, string>();
  const note = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  expect(lostData({ collections: 0, runs: 0 }, note)).toBe(false);
  noteCounts({ collections: 2, runs: 0 }, note);
  expect(lostData({ collections: 2, runs: 0 }, note)).toBe(false);
  expect(lostData({ collections: 0, runs: 0 }, note)).toBe(true);
  noteCounts({ collections: 0, runs: 1 }, note);
  expect(lostData({ collections: 0, runs: 0 }, note)).toBe(true);
  noteCounts({ collections: 0, runs: 0 }, note);
  expect(lostData({ collections: 0, runs: 0 }, note)).toBe(false);
});

test("a page that may not use localStorage goes without the note", () => {
  vi.stubGlobal("localStorage", undefined);
  noteCounts({ collections: 1, runs: 1 });
  expect(lostData({ collections: 0, runs: 0 })).toBe(false);
  const refusing = {
    getItem: () => {
      throw new DOMException("no", "SecurityError");
    },
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  noteCounts({ collections: 1, runs: 1 }, refusing);
  expect(lostData({ collections: 0, runs: 0 }, refusing)).toBe(false);
});

test.each([
  { a: [1, "null", { b: Number.NaN }], c: -Infinity },
  { a: "null" },
  { a: null, "not finite": "NaN" },
  [],
  "\ud800 \u2028",
])("JSON keeps %j", (value) => {
  expect(fromJson(toJson(value))).toEqual(value);
});

test("digests are the same with and without the browser's own", async () => {
  const bytes = new Uint8Array(4 * 2 ** 20 + 3).map((_, i) => i * 7);
  const parcel = await digestParts(bytes);
  expect(parcel).toEqual([
    { bytes: 4 * 2 ** 20, sha256: digest(bytes.subarray(0, 4 * 2 ** 20)) },
    { bytes: 3, sha256: digest(bytes.subarray(4 * 2 ** 20)) },
  ]);
  vi.stubGlobal("crypto", {});
  expect(await digestParts(bytes)).toEqual(parcel);
});

test("sizes are readable", () => {
  expect([0, 2.34e6, 9.96e6, 131.6e6].map(megabytes)).toEqual(["0.1 MB", "2.3 MB", "10 MB", "132 MB"]);
});
