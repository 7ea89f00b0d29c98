import { afterEach, expect, test, vi } from "vitest";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../../src/domain/languageModel.ts";
import { openWebLlm } from "../../../src/synthesis/providers/webllm.ts";
import type { Patience } from "../../../src/synthesis/providers/worker.ts";
import { closePorts, scriptedThreads, type Script } from "../../support/misbehavingEngine.ts";
import { caught, patiently, request, schema, unstopped } from "../../support/requests.ts";

afterEach(closePorts);

const MODEL = "Llama-3.2-1B-Instruct-q4f16_1-MLC";
async function opened(script: Script, patience: Partial<Patience> = {}) {
  const threads = scriptedThreads(script);
  const model = await openWebLlm(
    MODEL,
    { signal: unstopped(), progress: () => undefined },
    { startWorker: threads.startWorker, patience: { load: 400, ...patience } },
  );
  return { model, ...threads };
}

test("an answer with its counts, and its tokens on the way", async () => {
  const { model, log } = await opened({ answers: [{ kind: "writes", words: ["An ", "answer", "."] }] });
  const counts: number[] = [];
  const answer = await model.complete(request({ schema }), { ...patiently, onTokens: (count) => counts.push(count) });
  expect(answer).toEqual({ text: "An answer.", finish: "stop", promptTokens: 11, completionTokens: 3, counted: true });
  expect(counts[0]).toBe(1);
  expect(model.info).toEqual({
    provider: "webllm",
    id: MODEL,
    context: 4096,
    reproducible: true,
    leavesTab: false,
    concurrency: 1,
  });
  expect(log.requests[0]).toMatchObject({
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 100,
    temperature: 0.7,
    top_p: 0.95,
    response_format: { type: "json_object", schema: JSON.stringify(schema) },
  });
  await model.close();
});

test("an answer cut at its limit says so; counts that are missing are estimated", async () => {
  const { model } = await opened({
    answers: [
      { kind: "writes", words: ["cut"], finish: "length" },
      { kind: "uncounted", words: ["eight ch", "aracters"] },
    ],
  });
  expect((await model.complete(request(), patiently)).finish).toBe("length");
  expect(await model.complete(request(), patiently)).toMatchObject({ completionTokens: 4, counted: false });
  await model.close();
});

test("an abort in mid-answer rejects at once; the interrupted engine goes on with the next request", async () => {
  const { model, log } = await opened({
    answers: [
      { kind: "writes", words: Array.from({ length: 5000 }, () => "word ") },
      { kind: "writes", words: ["next"] },
    ],
  });
  const stop = new AbortController();
  const answer = caught(
    model.complete(request(), { signal: stop.signal, stallAfter: 5000, onTokens: () => stop.abort() }),
  );
  expect(await answer).toMatchObject({ name: "AbortError" });
  expect((await model.complete(request(), patiently)).text).toBe("next");
  expect(log).toMatchObject({ started: 1, ended: 0 });
  expect(log.interrupts).toBeGreaterThan(0);
  await model.close();
});

test("an abort before the engine has begun is not forgotten when it begins", async () => {
  const { model, log } = await opened({
    lateStart: 20,
    answers: [{ kind: "writes", words: Array.from({ length: 5000 }, () => "word ") }],
  });
  const stop = new AbortController();
  const answer = caught(model.complete(request(), { signal: stop.signal, stallAfter: 5000 }));
  await vi.waitFor(() => expect(log.requests).toHaveLength(1), { interval: 0 });
  stop.abort();
  expect(await answer).toMatchObject({ name: "AbortError" });
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(log).toMatchObject({ started: 1, ended: 0 });
  await model.close();
});

test("an engine that ignores the interrupt is ended, and the next request starts another", async () => {
  const { model, log } = await opened(
    { answers: [{ kind: "deaf" }, { kind: "writes", words: ["again"] }] },
    { interrupt: 40 },
  );
  const stop = new AbortController();
  const onTokens = () => stop.abort();
  expect(await caught(model.complete(request(), { signal: stop.signal, stallAfter: 5000, onTokens }))).toMatchObject({
    name: "AbortError",
  });
  expect((await model.complete(request(), patiently)).text).toBe("again");
  expect(log).toMatchObject({ started: 2, ended: 1 });
  await model.close();
});

test("an empty answer left over from an interrupt is asked for again", async () => {
  const { model, log } = await opened({
    staleInterrupt: true,
    answers: [
      { kind: "writes", words: Array.from({ length: 5000 }, () => "word ") },
      { kind: "writes", words: ["whole"] },
    ],
  });
  const stop = new AbortController();
  await caught(model.complete(request(), { signal: stop.signal, stallAfter: 5000, onTokens: () => stop.abort() }));
  expect((await model.complete(request(), patiently)).text).toBe("whole");
  expect(log.requests).toHaveLength(3);
  await model.close();
});

test.each([0, 3])("a model that writes %i tokens and no more has stalled, and is started anew", async (after) => {
  const { model, log } = await opened({ answers: [{ kind: "stalls", after }] });
  const error = await caught(model.complete(request(), { signal: unstopped(), stallAfter: 60 }));
  expect(error).toBeInstanceOf(ModelStalled);
  expect(log).toMatchObject({ started: 1, ended: 1 });
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(log.started).toBe(2);
  await model.close();
});

test("a slow model has not stalled, nor has a slow load", async () => {
  const { model } = await opened({
    loads: [{ kind: "loads", pace: 110 }],
    answers: [{ kind: "writes", words: Array.from({ length: 45 }, () => "slow "), pace: 20 }],
  });
  const answer = await model.complete(request(), { signal: unstopped(), stallAfter: 600 });
  expect(answer.completionTokens).toBe(45);
  await model.close();
});

test("an error that is a string says that the prompt is too long, with both figures, and the engine stays", async () => {
  const thrown =
    "ContextWindowSizeExceededError: Prompt tokens exceed context window size: number of prompt tokens: 5120; " +
    "context window size: 4096\nConsider shortening the prompt.";
  const { model, log } = await opened({ answers: [{ kind: "throws", thrown }] });
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ModelFailed);
  expect(String(error)).toMatch(/too long .* \(5120 tokens, and it takes 4096\)/u);
  expect(log.ended).toBe(0);
  await model.close();
});

test.each([
  ["a plain object", { name: "BindingError", code: 7 }, /"code":7/u],
  ["an object with words", { message: "it broke" }, /it broke/u],
  ["nothing", undefined, /undefined/u],
  ["a lost device", new Error("The device was lost."), /lost the GPU/u],
  ["a buffer of a lost device", new DOMException("Failed to execute 'mapAsync'", "AbortError"), /lost the GPU/u],
  ["a model that is not there any more", "ModelNotLoadedError: Model not loaded", /lost the GPU/u],
])("%s thrown in mid-answer fails the request, and the engine is started anew", async (_, thrown, words) => {
  const { model, log } = await opened({ answers: [{ kind: "throws", thrown }] });
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ModelFailed);
  expect(String(error)).toMatch(words);
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(log).toMatchObject({ started: 2, ended: 1 });
  await model.close();
});

test("a thread that crashes in mid-answer fails the request; the next one has a new thread", async () => {
  const { model, log, threads } = await opened({ answers: [{ kind: "stalls", after: 1 }] });
  const onTokens = () => threads[0]?.crash("out of memory");
  const error = await caught(model.complete(request(), { ...patiently, onTokens }));
  expect(error).toBeInstanceOf(ModelFailed);
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(log.started).toBe(2);
  await model.close();
});

test("requests that come together are answered one after the other", async () => {
  const { model } = await opened({
    answers: ["one", "two", "three"].map((word) => ({ kind: "writes", words: [word] })),
  });
  const answers = await Promise.all([1, 2, 3].map(() => model.complete(request(), patiently)));
  expect(answers.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  await model.close();
});

test("a request that waits for its turn can be stopped, and those behind it still come", async () => {
  const { model } = await opened({
    answers: [
      { kind: "writes", words: Array.from({ length: 60 }, () => "a") },
      { kind: "writes", words: ["last"] },
    ],
  });
  const stop = new AbortController();
  let whole = false;
  const first = model.complete(request(), patiently).finally(() => (whole = true));
  const second = caught(model.complete(request(), { signal: stop.signal, stallAfter: 5000 }));
  const third = model.complete(request(), patiently);
  stop.abort();
  expect(await second).toMatchObject({ name: "AbortError" });
  expect(whole).toBe(false);
  expect((await first).text).toHaveLength(60);
  expect((await third).text).toBe("last");
  await model.close();
});

test("closing ends the thread, the answer under way and every later one; closing again does nothing", async () => {
  const { model, log } = await opened({ answers: [{ kind: "stalls", after: 2 }] });
  const under = caught(model.complete(request(), patiently));
  await Promise.all([model.close(), model.close()]);
  expect(await under).toMatchObject({ name: "AbortError" });
  expect(await caught(model.complete(request(), patiently))).toMatchObject({ name: "AbortError" });
  await model.close();
  expect(log).toMatchObject({ started: 1, ended: 1, unloads: 1 });
});

test("a load that stalls in the middle of a run refuses as well, and a stop of it is heard", async () => {
  const { model } = await opened({
    loads: [{ kind: "loads" }, { kind: "stalls" }, { kind: "stalls" }],
    answers: [{ kind: "stalls", after: 0 }],
  });
  await caught(model.complete(request(), { signal: unstopped(), stallAfter: 30 }));
  expect(await caught(model.complete(request(), patiently))).toBeInstanceOf(ProviderRefused);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 10);
  const stopped = caught(model.complete(request(), { signal: stop.signal, stallAfter: 5000 }));
  expect(await stopped).toMatchObject({ name: "AbortError" });
  await model.close();
});
