import { afterEach, expect, test } from "vitest";
import { ProviderRefused } from "../../../src/domain/languageModel.ts";
import { spreadSeed } from "../../../src/synthesis/engines/webllm.ts";
import { openWebLlm } from "../../../src/synthesis/providers/webllm.ts";
import { closePorts, scriptedThreads, type Script } from "../../support/misbehavingEngine.ts";
import { caught, unstopped } from "../../support/requests.ts";

afterEach(closePorts);

const MODEL = "Llama-3.2-1B-Instruct-q4f16_1-MLC";
const patience = { load: 400 };

const failed = (script: Script, signal = unstopped()) => {
  const threads = scriptedThreads(script);
  const host = { startWorker: threads.startWorker, patience };
  const opening = openWebLlm(MODEL, { signal, progress: () => undefined }, host);
  return {
    ...threads,
    error: opening.then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
};

test("reports a load in bytes where the engine tells them", async () => {
  const reports: unknown[] = [];
  // Reports that nobody has taken yet give way to later ones: they come slowly here.
  const { startWorker } = scriptedThreads({ loads: [{ kind: "loads", pace: 20 }] });
  const model = await openWebLlm(
    MODEL,
    { signal: unstopped(), progress: (report) => reports.push(report) },
    { startWorker, patience },
  );
  expect(reports).toContainEqual({ done: 25 * 2 ** 20, total: 100 * 2 ** 20, words: "Downloading the model" });
  expect(reports).toContainEqual({ done: 0.5, total: 1, words: "Compiling its GPU programs" });
  await model.close();
});

test("an abort while the model loads ends its thread: a load that comes to its end later changes nothing", async () => {
  const stop = new AbortController();
  const { error, log } = failed({ loads: [{ kind: "stalls" }] }, stop.signal);
  setTimeout(() => stop.abort(), 10);
  expect(await error).toMatchObject({ name: "AbortError" });
  expect(log).toMatchObject({ started: 1, ended: 1 });
});

test("a load without a report for too long is refused", async () => {
  const { error, log } = failed({ loads: [{ kind: "stalls" }] });
  expect(await error).toBeInstanceOf(ProviderRefused);
  expect(String(await error)).toContain("Nothing of");
  expect(log.ended).toBe(1);
});

test.each([
  [new Error("This model requires WebGPU extension shader-f16, which is not enabled"), /16-bit .* q4f32/u],
  ["WebGPUNotAvailableError: WebGPU is not supported in your current environment", /needs WebGPU/u],
  [new Error("Unable to find a compatible GPU. This issue might be because"), /needs WebGPU/u],
  [
    Object.assign(new Error("Cannot find model record in appConfig for x."), { name: "ModelNotFoundError" }),
    /no model/u,
  ],
  ["Engine.unload() is called.", /out of memory/u],
  [new Error("The WebGPU device was lost while loading the model."), /out of memory/u],
  [new RangeError("Array buffer allocation failed"), /out of memory/u],
  [new TypeError("Failed to fetch"), /download .* broke off/u],
  [new TypeError("Failed to execute 'add' on 'Cache': Request failed"), /doesn't give out all files/u],
  [new DOMException("The quota has been exceeded.", "QuotaExceededError"), /no room/u],
  [new Error("Cannot initialize runtime because of requested maxBufferSize exceeds limit."), /smaller model/u],
  [{ odd: true }, /could not be loaded: \{"odd":true\}/u],
])("a load that fails with %s is refused in words", async (thrown, words) => {
  const { error, log } = failed({ loads: [{ kind: "throws", thrown }] });
  expect(await error).toBeInstanceOf(ProviderRefused);
  expect(String(await error)).toMatch(words);
  expect(log).toMatchObject({ started: 1, ended: 1, forgotten: [] });
});

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

test.each([
  [new SyntaxError(`Unexpected token '<', "<!doctype "... is not valid JSON`), "lists"],
  [named("CompileError", "WebAssembly.instantiate(): expected magic word 00 61 73 6d"), "library"],
  [new Error("Tensor-cache record range [0, 8388608) exceeds shard size 15"), "all"],
  [named("IntegrityError", "Integrity verification failed for x"), "all"],
])("bytes that are not the model's (%s) are removed again: %s", async (thrown, part) => {
  const { error, log } = failed({ loads: [{ kind: "throws", thrown }] });
  expect(String(await error)).toContain("is not Llama");
  expect(log.forgotten).toEqual([`${part} of ${MODEL}`]);
});

test("small seeds do not all begin alike in WebLLM's generator", () => {
  const modulus = 2 ** 31 - 1;
  const seeds = Array.from({ length: 200 }, (_, seed) => spreadSeed(seed));
  expect(new Set(seeds).size).toBe(200);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed > 0 && seed < modulus)).toBe(true);
  const first = seeds.map((seed) => Number((BigInt(seed) * 48271n) % BigInt(modulus)) / modulus);
  // Uniform numbers have the mean 1/2 and, 200 of them, a standard error of 0.02.
  expect(first.reduce((sum, number) => sum + number, 0) / 200).toBeCloseTo(0.5, 1);
  expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(0.9);
});

test("a thread that cannot be started is refused in words", async () => {
  const host = {
    startWorker() {
      throw new Error("no threads here");
    },
  };
  const opening = caught(openWebLlm(MODEL, { signal: unstopped(), progress: () => undefined }, host));
  expect(await opening).toBeInstanceOf(ProviderRefused);
});
