import "fake-indexeddb/auto";
import { afterEach, expect, test, vi } from "vitest";
import { abortForQuota, faultAtPut, freshName, openTestStore } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const place = (path: string, id = "a/b") => ({ id, revision: "c0ffee", path });
const bytes = (...values: number[]) => new Uint8Array(values);

test("keeps bytes by id, revision and path, over a reload, and gives them back as a blob", async () => {
  const name = freshName();
  const { files } = await openTestStore(name);
  await files.put(place("x#0"), bytes(1, 2, 3));
  await files.put(place("x#0", "other/one"), bytes(4));
  await files.put(place("x#0"), bytes(5, 6));
  const again = (await openTestStore(name)).files;
  const blob = await again.get(place("x#0"));
  expect(blob).toBeInstanceOf(Blob);
  expect([...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer())]).toEqual([5, 6]);
  expect(await again.get(place("x#1"))).toBeUndefined();
  expect(await again.list()).toEqual([place("x#0"), place("x#0", "other/one")]);
  await again.remove(place("x#0"));
  expect(await files.list()).toEqual([place("x#0", "other/one")]);
});

test("what does not fit is refused, and what was there before stays", async () => {
  const { files } = await openTestStore(freshName());
  await files.put(place("x#0"), bytes(1));
  const fault = faultAtPut(1, abortForQuota);
  await expect(files.put(place("x#0"), bytes(2))).rejects.toMatchObject({
    name: "StorageFull",
    message: expect.stringContaining("this piece of the encoder needs"),
  });
  fault.restore();
  expect((await files.get(place("x#0")))?.size).toBe(1);
  expect([...new Uint8Array((await (await files.get(place("x#0")))?.arrayBuffer()) ?? new ArrayBuffer())]).toEqual([1]);
});
