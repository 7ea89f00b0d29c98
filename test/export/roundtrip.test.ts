/**
 * Each family from the hub's layout through a short training and every export into programs that are not Decoy: ONNX Runtime, in
 * WebAssembly and native, transformers.js with its own tokenizer, and PyTorch.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { EncoderFolder, Pooling } from "../../src/domain/encoder.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { openFolder } from "../../src/encoder/folder.ts";
import { copyNumbers, readSafetensors } from "../../src/encoder/safetensors.ts";
import { leastCosine } from "../../src/export/onnx/compare.ts";
import type { Compared } from "../../src/export/onnx/contract.ts";
import { createExporter } from "../../src/export/onnx/service.ts";
import { createEncoder } from "../../src/train/service.ts";
import { hubCases, type HubCase } from "../support/hubCases.ts";
import { hubFolder, hubTensors } from "../support/hubFolders.ts";
import { python, pythonEnv } from "../support/python.ts";
import { readGiven } from "../support/folders.ts";

const words = [
  "the",
  "cat",
  "Dog",
  "sat",
  "ran,",
  "on",
  "mat.",
  "sea",
  "salt",
  "tide",
  "moon",
  "décoy",
  "answer?",
  "42",
];
const texts = Array.from({ length: 32 }, (_, s) =>
  Array.from({ length: 1 + ((s * 5) % 14) }, (_, i) => words[(s * 7 + i * i + (i % 5)) % words.length]).join(" "),
);

const data = {
  queries: ["the cat", "salt sea", "moon tide"],
  documents: ["the cat sat on the mat", "salt in the sea", "the tide and the moon", "a dog ran", "on the mat"],
  rows: [0, 1, 2].map((query) => ({
    query,
    positive: query,
    negatives: [{ document: 3 + (query % 2), source: "bm25" as const }],
  })),
};
const config = parseConfig({ steps: 5, warmup: 0, learningRate: 2e-3, batchSize: 3, probes: 0 });

const directory = mkdtempSync(path.join(tmpdir(), "roundtrip-"));
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(async () => {
  const { env } = await import("@huggingface/transformers");
  env.allowRemoteModels = false;
});

/** Where PyTorch finds a folder, and what it has to compute from it. */
interface Waiting {
  readonly name: string;
  readonly place: string;
  readonly vectors: Float32Array;
  readonly least: number;
}
const waiting: Waiting[] = [];

const H = 32;

/** The least cosine of a row of `a` with the same row of `b`. */
function worstCosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const cosines = Array.from({ length: b.length / H }, (_, row) => {
    let [product, squaresA, squaresB] = [0, 0, 0];
    for (let h = row * H; h < (row + 1) * H; h++) {
      const [x, y] = [a[h] ?? NaN, b[h] ?? NaN];
      [product, squaresA, squaresB] = [product + x * y, squaresA + x * x, squaresB + y * y];
    }
    return product / Math.sqrt(squaresA * squaresB);
  });
  return Math.min(...cosines);
}

/** What the folder's weights have to be: the numbers that were written, as far as 32 or 16 bits hold them. */
const relativeError = { F32: 0, F16: 2 ** -11, BF16: 2 ** -8 } as const;

function checkRead(given: HubCase): void {
  const { weights, table, card } = openFolder(hubFolder(given));
  expect(card).toMatchObject({
    pooling: given.pooling,
    queryPrefix: given.prompts["query"] ?? "",
    documentPrefix: given.prompts["document"] ?? given.prompts["passage"] ?? "",
  });
  const byName = new Map(hubTensors(given).map((tensor) => [tensor.name, tensor.values]));
  expect(table.tensors.length).toBe(byName.size);
  for (const { name, offset } of table.tensors) {
    const values = byName.get(name) ?? [];
    const off = [...values].map(
      (value, i) => Math.abs((weights[offset + i] ?? NaN) - value) / (Math.abs(value) + 1e-4),
    );
    expect(Math.max(...off), name).toBeLessThanOrEqual(relativeError[given.stored]);
  }
}

async function train(given: HubCase) {
  const encoder = createEncoder({ cpu: createCpuEngine, webgpu: () => Promise.reject(new Error("no WebGPU")) });
  const { model, card } = await finish(encoder.open({ folder: hubFolder(given), engine: "cpu" }));
  const encode = async (kind: "query" | "document") =>
    (await finish(encoder.encode({ model, texts, kind, config }))).values;
  const before = await encode("document");
  let steps = 0;
  for await (const report of encoder.train({ model, data, config, checkpointEvery: Infinity })) {
    if (report.kind !== "step") continue;
    steps++;
    expect(report.step.loss).toBeGreaterThan(0);
  }
  expect(steps).toBe(5);
  const [documents, queries] = [await encode("document"), await encode("query")];
  expect(worstCosine(before, documents)).toBeLessThan(0.9999);
  const readme = "# trained\n";
  const whole = await finish(encoder.export({ model, config, readme }));
  const half = await finish(encoder.export({ model, config, readme, precision: "f16" }));
  await finish(encoder.close({ model }));
  return { card, documents, queries, whole, half };
}

const done = new Map<HubCase, ReturnType<typeof train>>();

/** After five steps: what the engine then makes of the texts, and what it gives out. */
function trained(given: HubCase): ReturnType<typeof train> {
  const training = done.get(given) ?? train(given);
  done.set(given, training);
  return training;
}

/** Puts a folder where a person would unpack it. */
function unpackedTo(name: string, files: Readonly<Record<string, Uint8Array>>): string {
  const place = path.join(directory, name);
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(place, file)), { recursive: true });
    writeFileSync(path.join(place, file), bytes);
  }
  return place;
}

/** A folder for PyTorch, with the token ids of the texts as its own tokenizer gives them. */
function leaveForTorch(name: string, folder: EncoderFolder, vectors: Float32Array, least: number): void {
  const { tokenizer, card } = openFolder(folder);
  const ids = texts.map((text) => tokenizer.encode(card.documentPrefix + text, card.maxTokens));
  const place = unpackedTo(name, { ...folder.files, "ids.json": new TextEncoder().encode(JSON.stringify(ids)) });
  waiting.push({ name, place, vectors, least });
}

type Dtype = "fp32" | "fp16" | "q8";

/** What transformers.js makes of the texts, which knows no prompts: they are put before them as the folder says. */
async function extracted(place: string, pooling: Pooling, { prompt, dtype }: { prompt: string; dtype: Dtype }) {
  const { pipeline } = await import("@huggingface/transformers");
  const extract = await pipeline("feature-extraction", place, { local_files_only: true, dtype });
  try {
    const { data: numbers } = await extract(
      texts.map((text) => prompt + text),
      { pooling, normalize: true },
    );
    return numbers as Float32Array;
  } finally {
    await extract.dispose();
  }
}

const promptsIn = (place: string): Readonly<Record<string, string>> =>
  (JSON.parse(readFileSync(path.join(place, "config_sentence_transformers.json"), "utf8")) as { prompts: never })
    .prompts;

describe.each(hubCases)("$name", (given) => {
  test("goes in, trains, and comes out as vectors that others compute too", async () => {
    // transformers.js says that it takes its general class for static encoders.
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    checkRead(given);
    const { card, documents, queries, whole, half } = await trained(given);
    leaveForTorch(`${given.name}, 32 bits`, whole, documents, leastCosine.f32);
    leaveForTorch(`${given.name}, 16 bits`, half, documents, leastCosine.f16);

    const compared: Compared[] = [];
    const side = { under: "", kind: "document", texts, maxTokens: card.maxTokens, vectors: documents } as const;
    const zip = await finish(
      createExporter().pack({ folder: whole, sides: [side], precisions: ["f32", "f16", "int8"] }),
      (report) => {
        if (report.kind === "compared") compared.push(report.compared);
      },
    );
    expect(compared.map(({ precision, texts: count }) => [precision, count])).toEqual([
      ["f32", 32],
      ["f16", 32],
      ["int8", 32],
    ]);
    for (const { precision, worst } of compared) expect(worst).toBeGreaterThanOrEqual(leastCosine[precision]);

    const place = unpackedTo(`${given.name}, ONNX`, unzipSync(new Uint8Array(await zip.arrayBuffer())));
    const prompts = promptsIn(place);
    for (const [dtype, least] of [
      ["fp32", leastCosine.f32],
      ["fp16", leastCosine.f16],
      ["q8", leastCosine.int8],
    ] as const) {
      const found = await extracted(place, card.pooling, { prompt: prompts["document"] ?? "", dtype });
      expect(worstCosine(found, documents), dtype).toBeGreaterThan(least);
    }
    const found = await extracted(place, card.pooling, { prompt: prompts["query"] ?? "", dtype: "fp32" });
    expect(worstCosine(found, queries)).toBeGreaterThan(leastCosine.f32);

    const again = openFolder(await readGiven([{ path: "e.zip", blob: zip }]));
    expect(again.card).toEqual({ ...card, name: again.card.name });
    expect(again.weights).toEqual(openFolder(whole).weights);
    warn.mockRestore();
  });

  test("is half as large in 16 bits, and says so", async () => {
    const { whole, half } = await trained(given);
    const weights = ({ files }: EncoderFolder) =>
      Object.entries(files).find(([file]) => file.endsWith("model.safetensors"))?.[1] ?? new Uint8Array();
    const [large, small] = [readSafetensors(weights(whole)), readSafetensors(weights(half))];
    expect([...small.keys()]).toEqual([...large.keys()]);
    for (const [name, { dtype, shape, bytes }] of small) {
      const [was, is] = [new Float32Array(bytes.length / 2), new Float32Array(bytes.length / 2)];
      expect([dtype, shape]).toEqual(["F16", large.get(name)?.shape]);
      copyNumbers(large.get(name) ?? { dtype, bytes }, was);
      copyNumbers({ dtype, bytes }, is);
      is.forEach((value, i) =>
        expect(Math.abs(value - (was[i] ?? NaN))).toBeLessThanOrEqual(2 ** -11 * Math.abs(was[i] ?? 0) + 2 ** -25),
      );
    }
    const config = half.files["config.json"];
    if (config) expect(JSON.parse(new TextDecoder().decode(config))).toMatchObject({ torch_dtype: "float16" });
  });
});

const command = python();

const torchTest =
  command === undefined
    ? "not compared with PyTorch: no python here has torch and numpy"
    : "PyTorch computes the same from the folders in 32 and 16 bits";

test.skipIf(command === undefined)(torchTest, () => {
  expect(waiting.length).toBe(2 * hubCases.length);
  const script = fileURLToPath(new URL("../fixtures/golden/embed.py", import.meta.url));
  execFileSync(command ?? "", [script, ...waiting.map(({ place }) => place)], { env: pythonEnv });
  for (const { name, place, vectors, least } of waiting) {
    const file = readSafetensors(new Uint8Array(readFileSync(path.join(place, "vectors.safetensors"))));
    const found = new Float64Array(vectors.length);
    copyNumbers(file.get("vectors") ?? { dtype: "F64", bytes: new Uint8Array() }, found);
    expect(worstCosine(found, vectors), name).toBeGreaterThan(least);
    // The folder's Normalize module is heeded, whatever the encoder had that went in.
    expect(Math.hypot(...found.subarray(0, H)), name).toBeCloseTo(1, 6);
  }
});
