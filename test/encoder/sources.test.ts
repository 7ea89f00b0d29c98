/** Folders read in ranges: the same encoder as from bytes, from one file or shards, in every precision, with little beside the arena. */
import { expect, test } from "vitest";
import { blobSource, bytesSource, streamSource } from "../../src/base/fileSource.ts";
import { openFolder, openSources } from "../../src/encoder/folder.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { counted, floatsMade, sourcesOf } from "../support/countedSources.ts";
import { tinyConfig, tinyEncoder, tinyShape, tinyTensors } from "../support/encoder.ts";

const WEIGHTS = "model.safetensors";
const plain = openFolder(tinyEncoder());

test("from sources, blobs and streams: the same as from bytes, without the weights' file", async () => {
  const folder = tinyEncoder();
  const entries = Object.entries(folder.files);
  const kinds = [
    sourcesOf(folder),
    entries.map(([path, bytes]) => blobSource(path, new Blob([bytes]))),
    entries.map(([path, bytes]) =>
      streamSource({
        path,
        size: bytes.length,
        bytes: async function* () {
          for (let at = 0; at < bytes.length; at += 333) yield bytes.subarray(at, at + 333);
        },
      }),
    ),
  ];
  for (const files of kinds) {
    const opened = await openSources({ name: "tiny", files });
    expect(opened.card).toEqual(plain.card);
    expect(opened.weights).toEqual(plain.weights);
    expect(Object.keys(opened.folder.files)).not.toContain(WEIGHTS);
  }
});

test("a stream gives any range, forwards and back", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  let started = 0;
  const source = streamSource({
    path: "x",
    size: 100,
    bytes: async function* () {
      started++;
      for (let at = 0; at < 100; at += 7) yield bytes.subarray(at, at + 7);
    },
  });
  for (const [start, end] of [
    [0, 8],
    [8, 8],
    [8, 50],
    [49, 51],
    [90, 100],
    [0, 100],
    [3, 4],
  ] as const)
    expect([...(await source.read(start, end))]).toEqual([...bytes.subarray(start, end)]);
  // Anew for [0, 100), after [90, 100) had come to the end, and for [3, 4).
  expect(started).toBe(3);
});

/** bfloat16: the upper half of a float32. */
function asBfloat16(tensors: ReturnType<typeof tinyTensors>): Uint8Array<ArrayBuffer> {
  let at = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape, values }) => [
      name,
      { dtype: "BF16", shape, data_offsets: [at, (at += 2 * values.length)] },
    ]),
  );
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + at);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let place = 8 + text.length;
  for (const { values } of tensors)
    for (const bits of new Uint32Array(values.slice().buffer)) {
      view.setUint16(place, bits >>> 16, true);
      place += 2;
    }
  return file;
}

test.each([
  ["float16", writeSafetensors(tinyTensors(), "F16"), 2 ** -10],
  ["bfloat16", asBfloat16(tinyTensors("bert.")), 2 ** -7],
])("%s", async (_, weights, precision) => {
  const opened = await openSources({ name: "x", files: sourcesOf(tinyEncoder({ [WEIGHTS]: weights })) });
  const worst = Math.max(...opened.weights.map((x, i) => Math.abs(x - (plain.weights[i] ?? NaN))));
  const largest = Math.max(...plain.weights.map(Math.abs));
  expect(worst).toBeGreaterThan(0);
  expect(worst).toBeLessThanOrEqual(precision * largest);
});

test("shards with an index: the same as one file", async () => {
  const tensors = tinyTensors("bert.");
  const halves = [tensors.slice(0, 7), tensors.slice(7)];
  const name = (i: number) => `model-0000${i + 1}-of-00002.safetensors`;
  const weight_map = Object.fromEntries(halves.flatMap((half, i) => half.map((tensor) => [tensor.name, name(i)])));
  const folder = tinyEncoder({
    [WEIGHTS]: undefined,
    "model.safetensors.index.json": { metadata: { total_size: 1 }, weight_map },
    ...Object.fromEntries(halves.map((half, i) => [name(i), writeSafetensors(half, "F32")])),
  });
  expect((await openSources({ name: "x", files: sourcesOf(folder) })).weights).toEqual(plain.weights);
  expect(openFolder(folder).weights).toEqual(plain.weights);
});

/** MiniLM's proportions, a seventh of its size. */
const shape = { ...tinyShape, layers: 6, hidden: 128, heads: 4, intermediate: 512, vocabulary: 16_000, positions: 512 };
const middling = tinyEncoder({
  "config.json": {
    ...tinyConfig,
    hidden_size: 128,
    num_hidden_layers: 6,
    num_attention_heads: 4,
    intermediate_size: 512,
    vocab_size: 16_000,
    max_position_embeddings: 512,
  },
  [WEIGHTS]: writeSafetensors(
    parameterTable(shape).tensors.map(({ name, shape }) => ({
      name,
      shape,
      values: new Float32Array(size(shape)).fill(0.5),
    })),
    "F32",
  ),
});

test("room for the arena and a few megabytes: less than 1.5 times the file, each byte read once", async () => {
  const bytes = middling.files[WEIGHTS]?.length ?? 0;
  expect(bytes).toBeGreaterThan(12e6);
  const { files, counts } = counted(sourcesOf(middling));
  const made = await floatsMade(() => openSources({ name: "x", files }));
  expect(made + counts.largest).toBeLessThan(1.5 * bytes);
  expect(made).toBeGreaterThan(0.99 * bytes);
  expect(counts.read).toBe(files.reduce((sum, { size }) => sum + size, 0));
});

test("a source that gives less than it was asked for, or fails, is named", async () => {
  const folder = tinyEncoder();
  const others = sourcesOf(folder).filter(({ name }) => name !== WEIGHTS);
  const weights = bytesSource(WEIGHTS, folder.files[WEIGHTS] ?? new Uint8Array());
  const short = { ...weights, read: (start: number, end: number) => weights.read(start, Math.max(start, end - 1)) };
  await expect(openSources({ name: "x", files: [...others, short] })).rejects.toMatchObject({
    name: "UnreadableEncoder",
    message: expect.stringContaining(WEIGHTS),
  });
  const gone = { ...weights, read: () => Promise.reject(new Error("moved")) };
  await expect(openSources({ name: "x", files: [...others, gone] })).rejects.toThrow("choose it again");
});
