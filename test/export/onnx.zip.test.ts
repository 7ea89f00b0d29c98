import { expect, test } from "vitest";
import { openFolder } from "../../src/encoder/folder.ts";
import type { DataFile } from "../../src/export/files/file.ts";
import { onnxFolder } from "../../src/export/onnx/folder.ts";
import { zippedModels } from "../../src/export/onnx/zip.ts";
import { onnxFamilies, openFamily } from "../support/onnx.ts";
import { readGiven } from "../support/folders.ts";

async function blobOf(file: DataFile): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of file.chunks()) parts.push(chunk);
  return new Blob(parts, { type: file.type });
}

test.each(onnxFamilies)("%s's folder with models is read again as the same encoder", async (family) => {
  const opened = openFamily(family);
  const { files, models } = onnxFolder(opened, ["f32", "int8"]);
  const zip = zippedModels({ ...opened.folder, files: { ...opened.folder.files, ...files } }, models);
  const read = await readGiven([{ path: zip.name, blob: await blobOf(zip) }]);
  expect(models.map(({ path }) => path)).toEqual(["onnx/model.onnx", "onnx/model_quantized.onnx"]);
  for (const { path, file } of models) {
    expect(Buffer.from(read.files[path] ?? []).equals(Buffer.concat([...file.chunks()]))).toBe(true);
  }
  const again = openFolder(read);
  expect(again.card).toEqual(opened.card);
  expect(again.weights).toEqual(opened.weights);
});
