import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { openFolder, writeFolder, type OpenFolder } from "../../src/encoder/folder.ts";
import { readSafetensors } from "../../src/encoder/safetensors.ts";
import { OnnxDiffers } from "../../src/export/onnx/compare.ts";
import type { Compared, Side } from "../../src/export/onnx/contract.ts";
import { createExporter } from "../../src/export/onnx/service.ts";
import { engineReference, someTexts } from "../support/onnx.ts";
import { staticEncoder } from "../support/staticEncoder.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { readGiven } from "../support/folders.ts";

const texts = someTexts(9);

/** What the engine gives for the texts, with the prefix of their kind. */
async function sideOf(opened: OpenFolder, under: Side["under"], kind: Side["kind"]): Promise<Side> {
  const { queryPrefix, documentPrefix, maxTokens } = opened.card;
  const prefix = kind === "query" ? queryPrefix : documentPrefix;
  const { vectors } = await engineReference(
    opened,
    texts.map((text) => prefix + text),
  );
  return { under, kind, texts, maxTokens, vectors: Float32Array.from(vectors) };
}

async function packed(
  folder: EncoderFolder,
  sides: readonly Side[],
  precisions: readonly ("f32" | "f16" | "int8")[],
  weights?: "f16",
) {
  const compared: Compared[] = [];
  const packing = { folder, sides, precisions, ...(weights && { weights }) };
  const blob = await finish(createExporter().pack(packing), (report) => {
    if (report.kind === "compared") compared.push(report.compared);
  });
  return { blob, compared, files: unzipSync(new Uint8Array(await blob.arrayBuffer())) };
}

test.each([
  ["a transformer", tinyEncoder],
  ["a static encoder", staticEncoder],
])("%s comes with its models, and opens again as it was", async (_, make) => {
  const folder = make();
  const opened = openFolder(folder);
  const side = await sideOf(opened, "", "document");
  const { blob, compared, files } = await packed(folder, [side], ["f32", "int8"]);
  expect(compared).toMatchObject([
    { under: "", precision: "f32", texts: 9 },
    { under: "", precision: "int8", texts: 9 },
  ]);
  expect(Object.keys(files)).toEqual(expect.arrayContaining(["onnx/model.onnx", "onnx/model_quantized.onnx"]));
  const again = openFolder(await readGiven([{ path: "e.zip", blob }]));
  expect(again.weights).toEqual(opened.weights);
  expect(again.card).toEqual({ ...opened.card, name: again.card.name });
  for (const text of texts) expect(again.tokenizer.encode(text, 99)).toEqual(opened.tokenizer.encode(text, 99));
});

test.each([
  ["a transformer", tinyEncoder],
  ["a static encoder", staticEncoder],
])("%s's weights go out in 16 bits beside a model of those in 32", async (_, make) => {
  const opened = openFolder(make());
  const side = await sideOf(opened, "", "document");
  const written = writeFolder(opened, { ...opened.card, weights: opened.weights, readme: "# kept" });
  const whole = await packed(written, [side], ["f32"]);
  const half = await packed(written, [side], ["f32"], "f16");
  expect(half.files["onnx/model.onnx"]).toEqual(whole.files["onnx/model.onnx"]);
  expect(Object.keys(half.files).toSorted()).toEqual(Object.keys(whole.files).toSorted());
  const path = Object.keys(half.files).find((each) => each.endsWith("model.safetensors")) ?? "";
  const types = [...readSafetensors(half.files[path] ?? new Uint8Array()).values()].map(({ dtype }) => dtype);
  expect(new Set(types)).toEqual(new Set(["F16"]));
  expect(new TextDecoder().decode(half.files["README.md"])).toBe("# kept");
});

test("two encoders in one folder are each made and compared", async () => {
  const one = tinyEncoder();
  const under = (side: string) =>
    Object.entries(one.files).map(([path, bytes]) => [`${side}/${path}`, bytes.slice()] as const);
  const folder = { name: "two", files: Object.fromEntries([...under("queries"), ...under("documents")]) };
  const opened = openFolder(one);
  const sides = [await sideOf(opened, "queries/", "query"), await sideOf(opened, "documents/", "document")];
  const { compared, files } = await packed(folder, sides, ["f16"]);
  expect(compared.map(({ under }) => under)).toEqual(["queries/", "documents/"]);
  for (const side of ["queries", "documents"]) expect(files[`${side}/onnx/model_fp16.onnx`]).toBeDefined();
  expect(Object.keys(files).filter((path) => !/^(queries|documents)\//u.test(path))).toEqual([]);
});

test("one file that computes something else, and there is no zip", async () => {
  const side = await sideOf(openFolder(staticEncoder()), "", "document");
  const vectors = side.vectors.map((value, i) => (i % 2 === 0 ? -value : value));
  const work = packed(staticEncoder(), [{ ...side, vectors }], ["f32"]);
  await expect(work).rejects.toThrow(OnnxDiffers);
});
