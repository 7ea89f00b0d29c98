/** The real transformers.js and the real ONNX runtime, on a model of one table. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { serve } from "../../../src/base/channel.ts";
import { ModelFailed, ProviderRefused } from "../../../src/domain/languageModel.ts";
import { createGenerator } from "../../../src/synthesis/engines/service.ts";
import { breathing, createTransformersEngine, type Place } from "../../../src/synthesis/engines/transformers.ts";
import { openTransformers } from "../../../src/synthesis/providers/transformers.ts";
import { patiently, request, unstopped } from "../../support/requests.ts";
import { type Chain, tinyHub } from "../../support/tinyOnnx.ts";

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

/** In Node the library keeps files in a folder; each hub gets its own. */
async function library() {
  const library = await import("@huggingface/transformers");
  const folder = mkdtempSync(path.join(os.tmpdir(), "decoy-tiny-"));
  library.env.cacheDir = folder;
  open.push({ close: () => rmSync(folder, { recursive: true }) });
  return library;
}

const cpu: Place = { device: "cpu", dtypes: ["q4f16", "q4"] };

async function opened(chain: Chain, context?: number, model = "tiny/markov") {
  const hub = await tinyHub(chain, context);
  const threads = { ended: 0 };
  const startWorker = () => {
    const { port1, port2 } = new MessageChannel();
    const transformers = async () => createTransformersEngine({ library, place: async () => cpu });
    serve(port1, createGenerator({ transformers, webllm: () => Promise.reject(new Error("not here")) }));
    port1.start();
    port2.start();
    const terminate = () => {
      threads.ended++;
      port1.close();
      port2.close();
    };
    return { port: port2, terminate };
  };
  open.push(hub);
  const reports: { done: number; total: number; words: string }[] = [];
  const options = { signal: unstopped(), progress: (report: (typeof reports)[number]) => reports.push(report) };
  const opening = openTransformers(model, options, { startWorker, hub: hub.host, patience: { interrupt: 500 } });
  const language = await opening.catch((error: unknown) => error as Error);
  if (!(language instanceof Error)) open.push(language);
  return { language, hub, threads, reports };
}

async function model(chain: Chain, context?: number) {
  const { language, ...rest } = await opened(chain, context);
  if (language instanceof Error) throw language;
  return { model: language, ...rest };
}

/** a → b → c → end. */
const line: Chain = { a: { b: 1 }, b: { c: 1 }, c: { "": 1 } };
/** a and b for ever, each as likely after each. */
const coin: Chain = { a: { a: 0.5, b: 0.5 }, b: { a: 0.5, b: 0.5 } };
/** After each letter b with 40 %, c with 35 % and d with 25 %. */
const three: Chain = Object.fromEntries(["a", "b", "c", "d"].map((from) => [from, { b: 0.4, c: 0.35, d: 0.25 }]));

test("loads with the weights that are there, and answers with exact counts", async () => {
  const { model: tiny, hub, reports } = await model(line);
  expect(tiny.info).toEqual({
    provider: "transformers",
    id: "tiny/markov",
    context: 64,
    reproducible: true,
    leavesTab: false,
    concurrency: 1,
  });
  expect(hub.asked).toContain("/tiny/markov/resolve/main/onnx/model_q4f16.onnx");
  expect(hub.asked).toContain("/tiny/markov/resolve/main/onnx/model_q4.onnx");
  expect(reports.some(({ done, total }) => total > 1000 && done <= total)).toBe(true);
  const counts: number[] = [];
  const asked = request({ messages: [{ role: "user", content: "x" }] });
  const answer = await tiny.complete(asked, { ...patiently, onTokens: (count) => counts.push(count) });
  // "user:x.a" is 8 tokens; "b", "c" and the end are 3.
  expect(answer).toEqual({ text: "bc", finish: "stop", promptTokens: 8, completionTokens: 3, counted: true });
  expect(counts[0]).toBe(1);
});

test("the same seed writes the same, another seed something else", async () => {
  const { model: tiny } = await model(coin, 4096);
  const write = async (seed: number) => (await tiny.complete(request({ seed, maxTokens: 24 }), patiently)).text;
  const first = await write(1);
  expect(first).toMatch(/^[ab]{24}$/u);
  expect(await write(1)).toBe(first);
  expect(await write(2)).not.toBe(first);
});

test("temperature and nucleus are kept, whatever the model's own settings say", async () => {
  const { model: tiny } = await model(three, 4096);
  const write = async (temperature: number, topP: number) =>
    (await tiny.complete(request({ temperature, topP, maxTokens: 90 }), patiently)).text;
  expect(await write(0, 1)).toBe("b".repeat(90));
  expect(new Set(await write(1, 0.7))).toEqual(new Set(["b", "c"]));
  expect(new Set(await write(1, 1))).toEqual(new Set(["b", "c", "d"]));
});

test("an answer is cut at its limit, and at the end of the context", async () => {
  const { model: tiny } = await model(coin);
  expect(await tiny.complete(request({ maxTokens: 5 }), patiently)).toMatchObject({
    finish: "length",
    completionTokens: 5,
  });
  const messages = [{ role: "user", content: "x".repeat(50) }] as const;
  // 64 tokens of context, 57 of them the prompt's.
  expect(await tiny.complete(request({ messages, maxTokens: 50 }), patiently)).toMatchObject({
    finish: "length",
    completionTokens: 7,
  });
});

test("a prompt that doesn't fit is not cut in silence", async () => {
  const { model: tiny } = await model(coin);
  const messages = [{ role: "user", content: "x".repeat(80) }] as const;
  const failed = tiny.complete(request({ messages }), patiently);
  await expect(failed).rejects.toThrow(ModelFailed);
  await expect(failed).rejects.toThrow(/87 tokens, and it takes 64/u);
});

test("a stop is heard in mid-answer, and the engine lives on", async () => {
  const { model: tiny, threads } = await model(coin, 100_000);
  const stop = new AbortController();
  const options = { signal: stop.signal, stallAfter: 5000, onTokens: () => stop.abort() };
  await expect(tiny.complete(request({ maxTokens: 8000 }), options)).rejects.toMatchObject({ name: "AbortError" });
  expect((await tiny.complete(request({ maxTokens: 3 }), patiently)).text).toHaveLength(3);
  expect(threads.ended).toBe(0);
});

test("a model that never waits for anything still lets the thread hear", async () => {
  const model = { forward: async (count: number) => count + 1 };
  breathing(model);
  const heard: string[] = [];
  setTimeout(() => heard.push("something"));
  const start = performance.now();
  for (let count = 0; heard.length === 0 && performance.now() - start < 1000;) count = await model.forward(count);
  expect(heard).toEqual(["something"]);
});

test("a model that the hub doesn't have is refused in words", async () => {
  const { language } = await opened(line, 64, "tiny/nothing");
  expect(language).toBeInstanceOf(ProviderRefused);
  expect(language).toHaveProperty("message", expect.stringContaining("no model tiny/nothing"));
});
