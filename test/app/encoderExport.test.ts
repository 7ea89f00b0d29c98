/** Downloading the encoder of a run: with its card, and with ONNX files that were compared. */
import { expect, it } from "vitest";
import { chooseOnnx, downloadEncoder } from "../../src/app/encoderExport.ts";
import { attemptTask } from "../../src/app/notices.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { UserError } from "../../src/base/errors.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { runId } from "../../src/domain/ids.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import type { EncoderStages } from "../../src/domain/stages.ts";
import type { OnnxExporter } from "../../src/export/onnx/contract.ts";
import { modelCard } from "../../src/export/card.ts";
import { runOf } from "../storage/support.ts";
import { checkpointAt, fakeApp, result } from "./fakes.ts";

const folder: EncoderFolder = { name: "trained", files: {} };
type Encoding = Parameters<EncoderStages["encode"]>[0];
type Exporting = Parameters<EncoderStages["export"]>[0];
type Packing = Parameters<OnnxExporter["pack"]>[0];

/** An app with one finished run, and all that was asked of its threads. */
async function finished(config: object = {}, pack?: OnnxExporter["pack"]) {
  const store = memoryStore(() => new Date(0));
  const record: RunRecord = { ...runOf("r1"), result, config: parseConfig(config) };
  await store.putRun(record);
  await store.saveCheckpoint(runId("r1"), checkpointAt(1));
  const { key } = await store.putEncoder(folder);
  const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`);
  await store.putProduct(runId("r1"), { name: "trainingSet", value: { queries: ["q"], documents: texts, rows: [] } });
  const asked = { encode: [] as Encoding[], exported: [] as Exporting[], packed: [] as Packing[], ended: 0, closed: 0 };
  const given: string[] = [];
  const app = await fakeApp({
    store,
    download: (_, name) => void given.push(name),
    formats: { zipFolder: async () => new Blob(["zip"]), readFolder: async () => folder, modelCard },
    trainer: {
      open: async function* () {
        return { model: 1, card: result.encoder, engine: result.engine };
      },
      restore: async function* () {},
      encode: async function* (input) {
        asked.encode.push(input);
        return { dimensions: 2, values: new Float32Array(2 * input.texts.length) };
      },
      export: async function* (input) {
        asked.exported.push(input);
        return folder;
      },
      close: async function* () {
        asked.closed++;
      },
    },
    exporter: {
      end: () => void asked.ended++,
      exporter: {
        pack: (input) => {
          asked.packed.push(input);
          return pack ? pack(input) : works(input);
        },
      },
    },
  });
  return { app, asked, given, run: { ...record, encoder: key } };
}

const works: OnnxExporter["pack"] = async function* ({ sides, precisions }) {
  for (const { under } of sides) {
    for (const precision of precisions) {
      yield { kind: "progress", progress: { done: 0, total: 2e6, unit: "bytes" } };
      yield { kind: "compared", compared: { under, precision, texts: 32, worst: 0.99, mean: 0.995 } };
    }
  }
  return new Blob(["zip"]);
};

it("comes with the card of the run, without a thread where no ONNX is asked for", async () => {
  const { app, asked, given, run } = await finished();
  await downloadEncoder(app, run);
  expect(given).toHaveLength(1);
  expect(asked.exported[0]?.readme).toContain("No reliable difference.");
  expect(asked.exported[0]?.readme).toContain(run.collectionDigest);
  expect([asked.encode.length, asked.packed.length, asked.ended, asked.closed]).toEqual([0, 0, 0, 1]);
});

it("is compared on 32 texts from all over what was trained on, of 256 tokens at most", async () => {
  const { app, asked, given, run } = await finished({ maxDocumentTokens: 500 });
  chooseOnnx(app, "int8", true);
  chooseOnnx(app, "f32", true);
  expect(app.encoderExport.onnx.value).toEqual(["f32", "int8"]);
  await downloadEncoder(app, run);
  expect(asked.encode).toMatchObject([{ kind: "document", config: { maxDocumentTokens: 256 } }]);
  const [side] = asked.packed[0]?.sides ?? [];
  expect(side).toMatchObject({ under: "", kind: "document", maxTokens: 256 });
  expect(new Set(side?.texts).size).toBe(32);
  expect(side?.texts[0]).toBe("text 0");
  expect(Number(side?.texts.at(-1)?.slice(5))).toBeGreaterThan(90);
  expect(app.encoderExport.compared.value?.list.map(({ precision, worst }) => [precision, worst])).toEqual([
    ["f32", 0.99],
    ["int8", 0.99],
  ]);
  expect([given.length, asked.ended, asked.closed]).toEqual([1, 1, 1]);
});

it("comes in 16 bits, from which no ONNX file is made", async () => {
  const { app, asked, run } = await finished();
  app.encoderExport.weights.value = "f16";
  await downloadEncoder(app, run);
  chooseOnnx(app, "f32", true);
  await downloadEncoder(app, run);
  app.encoderExport.weights.value = "f32";
  await downloadEncoder(app, run);
  expect(asked.exported.map(({ precision }) => precision)).toEqual(["f16", "f32", "f32"]);
  expect(asked.packed.map(({ weights }) => weights)).toEqual(["f16", undefined]);
});

it("where only queries were trained, both encoders are made, each compared on its own texts", async () => {
  const { app, asked, run } = await finished({ side: "queries" });
  chooseOnnx(app, "f16", true);
  await downloadEncoder(app, run);
  expect(asked.packed[0]?.sides.map(({ under, kind }) => [under, kind])).toEqual([
    ["queries/", "query"],
    ["documents/", "document"],
  ]);
  expect(asked.packed[0]?.sides[0]?.texts).toEqual(["q"]);
});

it("gives nothing out where a file differs, says so, and ends the thread", async () => {
  class OnnxDiffers extends UserError {
    override readonly name = "OnnxDiffers";
  }
  const { app, asked, given, run } = await finished({}, async function* () {
    yield { kind: "progress", progress: { done: 0, total: 1, unit: "bytes" } };
    throw new OnnxDiffers("The ONNX file gives other vectors.");
  });
  chooseOnnx(app, "int8", true);
  await attemptTask(app, "…", () => downloadEncoder(app, run));
  expect(given).toEqual([]);
  expect(asked.ended).toBe(1);
  expect(app.task.value).toBeUndefined();
  expect(app.notices.value).toMatchObject([{ kind: "problem", text: "The ONNX file gives other vectors." }]);
});
