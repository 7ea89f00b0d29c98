/** The folder in transformers.js, whose runtime here is the native one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Pooling } from "../../src/domain/encoder.ts";
import { openFolder, type OpenFolder } from "../../src/encoder/folder.ts";
import { onnxFolder } from "../../src/export/onnx/folder.ts";
import type { Precision } from "../../src/export/onnx/file.ts";
import { tinyConfig, tinyEncoder } from "../support/encoder.ts";
import { engineReference, onnxFamilies, openFamily, someTexts, writeTo } from "../support/onnx.ts";

const directory = mkdtempSync(path.join(tmpdir(), "onnx-"));
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(async () => {
  const { env } = await import("@huggingface/transformers");
  env.allowRemoteModels = false;
});

let written = 0;

/** (texts, H): what the feature-extraction pipeline makes of the texts, with no word on the kind of weights if it is left out. */
async function extracted(
  opened: OpenFolder,
  precisions: readonly Precision[],
  { texts, pooling, dtype }: { texts: string[]; pooling: Pooling; dtype?: "fp32" | "fp16" | "q8" },
): Promise<ArrayLike<number>> {
  const { pipeline } = await import("@huggingface/transformers");
  const place = path.join(directory, String(written++));
  writeTo(place, onnxFolder(opened, precisions));
  const extract = await pipeline("feature-extraction", place, { local_files_only: true, ...(dtype && { dtype }) });
  try {
    const { data, dims } = await extract(texts, { pooling, normalize: true });
    expect(dims).toEqual([texts.length, opened.card.shape.hidden]);
    return data as Float32Array;
  } finally {
    await extract.dispose();
  }
}

function worstCosine(a: ArrayLike<number>, b: Float32Array, H: number): number {
  const cosines = Array.from({ length: b.length / H }, (_, row) => {
    let sum = 0;
    for (let h = row * H; h < (row + 1) * H; h++) sum += (a[h] ?? NaN) * (b[h] ?? NaN);
    return sum;
  });
  return Math.min(...cosines);
}

describe.each(onnxFamilies)("%s", (family) => {
  test("gives the engine's vectors, of a padded batch and of one text", async () => {
    // It says that it takes its general class for static encoders.
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const opened = openFamily(family, family === "bert" ? "cls" : "mean");
    const { hidden } = opened.card.shape;
    for (const texts of [someTexts(7), ["the cat sat"]]) {
      const { vectors } = await engineReference(opened, texts);
      const found = await extracted(opened, ["f32"], { texts, pooling: opened.card.pooling, dtype: "fp32" });
      expect(worstCosine(found, vectors, hidden)).toBeGreaterThan(0.99999);
    }
    warn.mockRestore();
  });
});

test.each([
  ["f16", "fp16", 0.9999],
  ["int8", "q8", 0.98],
] as const)("%s weights are found as %s, and where nothing else is there", async (precision, dtype, least) => {
  const opened = openFamily("bert");
  const texts = someTexts(5);
  const { vectors } = await engineReference(opened, texts);
  for (const asked of [{ dtype }, {}]) {
    const found = await extracted(opened, [precision], { texts, pooling: "mean", ...asked });
    expect(worstCosine(found, vectors, opened.card.shape.hidden)).toBeGreaterThan(least);
  }
});

const jsonIn = ({ files }: ReturnType<typeof onnxFolder>, name: string) =>
  JSON.parse(new TextDecoder().decode(files[name])) as Readonly<Record<string, unknown>>;

test("config.json says no more of the files than is so", () => {
  const key = "transformers.js_config";
  const opened = openFolder(
    tinyEncoder({ "config.json": { ...tinyConfig, [key]: { dtype: "q4", use_external_data_format: true } } }),
  );
  expect(jsonIn(onnxFolder(opened, ["f32", "int8"]), "config.json")).toEqual(tinyConfig);
  expect(jsonIn(onnxFolder(opened, ["int8", "f16"]), "config.json")).toEqual({
    ...tinyConfig,
    [key]: { dtype: "fp16" },
  });
});

test("the tokenizer cuts where the encoder does, and pads with a token that it has", () => {
  const settings = { pad_token: "<none>", model_max_length: 1e30, do_lower_case: true };
  const opened = openFolder(tinyEncoder({ "tokenizer_config.json": settings }));
  expect(jsonIn(onnxFolder(opened, ["f32"]), "tokenizer_config.json")).toEqual({
    pad_token: "[PAD]",
    padding_side: "right",
    model_max_length: 32,
    do_lower_case: true,
  });
});
