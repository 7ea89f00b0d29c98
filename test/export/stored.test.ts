/** The files of a zip of ours as parts of it. Oracle: fflate's own reader. */
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { toBlob } from "../../src/export/files/file.ts";
import { storedFiles } from "../../src/export/files/stored.ts";
import { zipChunks } from "../../src/export/files/zip.ts";
import { zipFolder } from "../../src/export/folder.ts";

const files: Record<string, Uint8Array<ArrayBuffer>> = {
  "modules.json": new TextEncoder().encode("[]"),
  "1_Pooling/config.json": new TextEncoder().encode('{"größe": 3}'),
  "ü/weights.bin": Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255),
  "empty.txt": new Uint8Array(),
};

async function oracle(zip: Blob): Promise<Record<string, string>> {
  const found = unzipSync(new Uint8Array(await zip.arrayBuffer()));
  return Object.fromEntries(Object.entries(found).map(([path, bytes]) => [path, Buffer.from(bytes).toString("hex")]));
}

async function read(zip: Blob): Promise<Record<string, string>> {
  const list = await storedFiles(zip);
  return Object.fromEntries(
    await Promise.all(
      list.map(async ({ path, blob }) => [path, Buffer.from(await blob.arrayBuffer()).toString("hex")] as const),
    ),
  );
}

test("of a folder's zip, and of one that was made as a stream", async () => {
  const whole = await zipFolder({ name: "e", files });
  const entries = Object.entries(files).map(([path, bytes]) => ({ path, compress: false, chunks: () => [bytes] }));
  const streamed = await toBlob({ type: "application/zip", chunks: () => zipChunks(entries) });
  for (const zip of [whole, streamed]) {
    const found = await read(zip);
    expect(found).toEqual(await oracle(zip));
    expect(Object.keys(found)).toEqual(Object.keys(files));
  }
});

test("what is packed, or is no zip, is a bug of ours and stops", async () => {
  const packed = [{ path: "a.txt", compress: true, chunks: () => [new TextEncoder().encode("a".repeat(60))] }];
  const zip = await toBlob({ type: "application/zip", chunks: () => zipChunks(packed) });
  await expect(storedFiles(zip)).rejects.toThrow("internal");
  await expect(storedFiles(new Blob(["no zip, and longer than its end would be"]))).rejects.toThrow("internal");
});
