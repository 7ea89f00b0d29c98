import { expect, test } from "vitest";
import { parameterTable } from "../../src/encoder/parameters.ts";
import { presetOf, presets } from "../../src/hub/presets.ts";
import { checkId, fileUrl, huggingFace, listingUrl } from "../../src/hub/request.ts";

test.each(presets)("$id: as many numbers as its shape has", ({ shape, parameters }) => {
  expect(parameters).toBe(parameterTable(shape).parameters);
});

// The cards' and papers' rounded numbers, which count a pooler that the encoders do not use: 0.15 to 1 million more.
test.each([
  ["OpenMatch/cocodr-base-msmarco", 110, 768],
  ["intfloat/e5-base-v2", 109, 768],
  ["BAAI/bge-large-en-v1.5", 335, 1024],
  ["sentence-transformers/all-MiniLM-L6-v2", 22.7, 384],
  ["Snowflake/snowflake-arctic-embed-xs", 22, 384],
  ["Snowflake/snowflake-arctic-embed-s", 33, 384],
  ["BAAI/bge-small-en-v1.5", 33.4, 384],
  ["intfloat/e5-small-v2", 33.4, 384],
  ["thenlper/gte-small", 33.4, 384],
  ["intfloat/multilingual-e5-small", 118, 384],
  ["Alibaba-NLP/gte-modernbert-base", 149, 768],
])("%s: %f million, %i dimensions, as published", (id, millions, dimensions) => {
  const preset = presetOf(id);
  expect(preset?.shape.hidden).toBe(dimensions);
  expect(Math.abs((preset?.parameters ?? 0) / 1e6 - millions)).toBeLessThan(1.2);
});

test("every id is one that the hub takes, once, and none is pinned to what nobody checked", () => {
  for (const { id } of presets) expect(() => checkId(id)).not.toThrow();
  expect(new Set(presets.map(({ id }) => id)).size).toBe(presets.length);
  for (const { commit, sha256 } of presets) expect(commit === undefined).toBe(sha256 === undefined);
});

test("the real hub's addresses", () => {
  const repository = { id: "OpenMatch/cocodr-base-msmarco", revision: "refs/pr/1" };
  expect(listingUrl(huggingFace, repository)).toBe(
    "https://huggingface.co/api/models/OpenMatch/cocodr-base-msmarco/revision/refs%2Fpr%2F1?blobs=true",
  );
  expect(fileUrl(huggingFace, repository, "1_Pooling/config.json")).toBe(
    "https://huggingface.co/OpenMatch/cocodr-base-msmarco/resolve/refs%2Fpr%2F1/1_Pooling/config.json",
  );
});
