import "fake-indexeddb/auto";
import { openDB } from "idb";
import { afterEach, expect, test, vi } from "vitest";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { inMemory } from "../support/folders.ts";
import { abortForQuota, faultAtPut, freshName, openTestStore } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const text = (words: string) => new TextEncoder().encode(words);
const folder: EncoderFolder = {
  name: "small",
  files: {
    "config.json": text("{}"),
    "1_Pooling/config.json": text('{"a":1}'),
    "empty.txt": new Uint8Array(),
    "model.safetensors": new Uint8Array(9 * 2 ** 20).map((_, i) => i * 31),
  },
};

const bytesOf = ({ files }: EncoderFolder) =>
  Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes).toString("latin1")]);

test("an encoder folder comes back, in parts of 4 MiB, and is stored once", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const record = await store.putEncoder(folder);
  expect(record).toMatchObject({ name: "small", bytes: 9 * 2 ** 20 + 9 });
  const database = await openDB(name);
  expect(await database.count("parts")).toBe(5);
  database.close();
  expect(await store.putEncoder({ ...folder, name: "again" })).toEqual(record);
  const other = await store.putEncoder({ name: "other", files: { "config.json": text("[]") } });
  expect(other.key).not.toBe(record.key);
  expect((await store.listEncoders()).map(({ key }) => key).toSorted()).toEqual([record.key, other.key].toSorted());
  const read = await store.readEncoder(record.key);
  expect(read.name).toBe("small");
  expect(bytesOf(await inMemory(read))).toEqual(bytesOf(folder));
  await store.removeEncoder(record.key);
  await expect(store.readEncoder(record.key)).rejects.toMatchObject({ name: "NotStored" });
  expect((await store.readEncoder(other.key)).name).toBe("other");
});

test("the key tells files from their names", async () => {
  const store = await openTestStore(freshName());
  const a = await store.putEncoder({ name: "x", files: { a: text("1"), b: text("2") } });
  const b = await store.putEncoder({ name: "x", files: { a: text("2"), b: text("1") } });
  const same = await store.putEncoder({ name: "x", files: { b: text("2"), a: text("1") } });
  expect(a.key).not.toBe(b.key);
  expect(same.key).toBe(a.key);
});

test.each([1, 3, 5, 6])("an encoder that does not fit (put %i) leaves nothing behind", async (n) => {
  const name = freshName();
  const store = await openTestStore(name);
  const fault = faultAtPut(n, abortForQuota);
  await expect(store.putEncoder(folder)).rejects.toMatchObject({
    name: "StorageFull",
    message: expect.stringContaining("this encoder needs 9.4 MB"),
  });
  fault.restore();
  expect(await store.listEncoders()).toEqual([]);
  const database = await openDB(name);
  expect(await database.count("parts")).toBe(0);
  database.close();
});

test("a damaged file is an error that names it", async () => {
  const name = freshName();
  const store = await openTestStore(name);
  const { key } = await store.putEncoder(folder);
  const database = await openDB(name);
  await database.put("parts", text("[]"), ["encoder", key, "config.json", 0]);
  database.close();
  await expect(store.readEncoder(key)).rejects.toMatchObject({
    name: "DamagedRecord",
    message: expect.stringMatching(/“small”.*config\.json.*open its folder again/u),
  });
});
