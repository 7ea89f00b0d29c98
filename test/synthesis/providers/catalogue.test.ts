import { prebuiltAppConfig } from "@mlc-ai/web-llm";
import { expect, test } from "vitest";
import { modelsHere, needsF16, webLlmModels } from "../../../src/synthesis/providers/catalogue.ts";
import type { Device } from "../../../src/synthesis/providers/device.ts";

const large: Device = { webgpu: true, f16: true, maxBufferBytes: 2 ** 31, deviceMemoryGB: 8 };

test.each(webLlmModels.map((model) => [model.id, model] as const))(
  "%s is as the installed list has it",
  (id, model) => {
    const record = prebuiltAppConfig.model_list.find(({ model_id }) => model_id === id);
    expect(record?.vram_required_MB).toBe(model.megabytes);
    expect(record?.overrides?.context_window_size).toBe(model.context);
    expect(record?.low_resource_required).toBe(model.small);
    // The list names the feature for some 16-bit models only, but never for one that we say does without.
    if (record?.required_features?.includes("shader-f16")) expect(needsF16(id)).toBe(true);
  },
);

test("the list's own model for 16-bit GPUs is one that we mark so", () => {
  const marked = prebuiltAppConfig.model_list.filter((model) => model.required_features?.includes("shader-f16"));
  expect(marked.length).toBeGreaterThan(10);
  expect(marked.every(({ model_id }) => needsF16(model_id))).toBe(true);
});

const why = (device: Partial<Device>, id: string) =>
  modelsHere("webllm", { ...large, ...device }).find((model) => model.id === id)?.runs;

const HALF = "Llama-3.2-1B-Instruct-q4f16_1-MLC";
const SINGLE = "Llama-3.2-1B-Instruct-q4f32_1-MLC";

test("what a device lacks is said of each model that needs it", () => {
  expect(why({}, HALF)?.here).toBe(true);
  expect(why({ webgpu: false }, HALF)).toMatchObject({ here: false, why: expect.stringContaining("WebGPU") });
  expect(why({ f16: false }, HALF)).toMatchObject({ here: false, why: expect.stringContaining("32-bit") });
  expect(why({ f16: false }, SINGLE)?.here).toBe(true);
  expect(why({ maxBufferBytes: 2 ** 27 }, SINGLE)?.why).toContain("grants 0.1 GB");
  expect(why({ maxBufferBytes: undefined, deviceMemoryGB: undefined }, SINGLE)?.here).toBe(true);
});

test("memory counts only where the browser really tells it", () => {
  const large = "Llama-3.1-8B-Instruct-q4f16_1-MLC";
  expect(why({ deviceMemoryGB: 4 }, large)).toMatchObject({ here: false, why: expect.stringContaining("5.0 GB") });
  expect(why({ deviceMemoryGB: 8 }, large)?.here).toBe(true);
  // "8" may stand for any larger machine.
  expect(Math.max(...webLlmModels.map(({ megabytes }) => megabytes))).toBeLessThan(8000);
});

test("downloads are about the weights at their bits: 695 MB for 1.236 billion at 4.5 bits", () => {
  const size = (id: string) => modelsHere("webllm", large).find((model) => model.id === id)?.downloadBytes;
  expect(size(HALF)).toBe((1236e6 * 4.5) / 8);
  expect(size(SINGLE)).toBe((1236e6 * 5) / 8);
});

test("ONNX models run everywhere; the download is that of the weights this device takes, where it is known", () => {
  const sizes = (device: Partial<Device>) =>
    modelsHere("transformers", { ...large, ...device }).map(({ downloadBytes }) => downloadBytes);
  expect(sizes({})[0]).toBe(299e6);
  expect(sizes({ f16: false })[0]).toBe(417e6);
  expect(sizes({ webgpu: false })).toContain(undefined);
  expect(modelsHere("transformers", { ...large, webgpu: false }).every(({ runs }) => runs.here)).toBe(true);
});

test("the browser's own model runs where the browser says so", () => {
  const here = (browserModel: Device["browserModel"]) =>
    modelsHere("browser", { ...large, browserModel })[0]?.runs.here;
  expect([here("available"), here("downloadable"), here("unavailable"), here(undefined)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("no id twice, and none for an endpoint", () => {
  for (const provider of ["webllm", "transformers", "browser", "recorded", "endpoint"] as const) {
    const ids = modelsHere(provider, large).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    if (provider === "endpoint") expect(ids).toEqual([]);
  }
});
