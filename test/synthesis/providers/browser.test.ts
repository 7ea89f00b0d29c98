import { expect, test, vi } from "vitest";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../../src/domain/languageModel.ts";
import { openBrowser, type PromptApi, promptApiOf } from "../../../src/synthesis/providers/browser.ts";
import type { Availability } from "../../../src/synthesis/providers/device.ts";
import { caught, patiently, request, schema, unstopped } from "../../support/requests.ts";

interface Script {
  readonly availability?: Availability;
  readonly pieces?: readonly string[];
  /** Milliseconds between the pieces. */
  readonly pace?: number;
  /** After the pieces. */
  readonly last?: "ends" | "hangs" | DOMException;
  readonly create?: DOMException;
}

type Created = Parameters<PromptApi["create"]>[0];
type Asked = { input: string; options: object };

/** The global `LanguageModel` of a browser. It keeps to the signals that it is given, as the API says. */
function promptApi({ availability = "available", pieces = ["fi", "ne"], pace = 0, last = "ends", create }: Script) {
  const log = { created: [] as Created[], asked: [] as Asked[], destroyed: 0, cancelled: 0 };
  function session(): Awaited<ReturnType<PromptApi["create"]>> {
    return {
      contextWindow: 9216,
      destroy: () => void log.destroyed++,
      promptStreaming(input, options) {
        log.asked.push({ input, options });
        return new ReadableStream<string>({
          async start(controller) {
            options.signal.addEventListener("abort", () => controller.error(new DOMException("stop", "AbortError")));
            for (const piece of pieces) {
              if (pace > 0) await new Promise((resolve) => setTimeout(resolve, pace));
              controller.enqueue(piece);
            }
            if (last === "ends") controller.close();
            else if (last !== "hangs") controller.error(last);
          },
          cancel: () => void log.cancelled++,
        });
      },
    };
  }
  const api = Object.assign(() => undefined, {
    availability: async () => availability,
    create: async (options: Created) => {
      log.created.push(options);
      if (create) throw create;
      options.monitor?.({ addEventListener: (_, listener) => listener({ loaded: 0.5 }) });
      return session();
    },
  });
  return { api, log };
}

const open = (script: Script, progress: (report: unknown) => void = () => undefined) => {
  const { api, log } = promptApi(script);
  return { opening: openBrowser(api, { signal: unstopped(), progress }), log };
};

test("is found in a window that has it, and only there", () => {
  const { api } = promptApi({});
  expect(promptApiOf({ LanguageModel: api })).toBe(api);
  expect(promptApiOf({})).toBeUndefined();
  expect(promptApiOf({ LanguageModel: {} })).toBeUndefined();
});

test("an answer held to a schema, in a session of its own that is ended", async () => {
  const { opening, log } = open({ pieces: ['{"passage":', '"x"}'] });
  const model = await opening;
  const counts: number[] = [];
  const onTokens = (count: number) => counts.push(count);
  const answer = await model.complete(request({ schema }), { ...patiently, onTokens });
  expect(answer).toMatchObject({ text: '{"passage":"x"}', finish: "stop", counted: false });
  expect(counts.length).toBe(2);
  expect(log.created[1]?.initialPrompts).toEqual([{ role: "system", content: "You write passages." }]);
  expect(log.asked[0]).toMatchObject({ input: "Write one.", options: { responseConstraint: schema } });
  expect(log.destroyed).toBe(1);
  expect(model.info).toMatchObject({ provider: "browser", context: 9216, reproducible: false, leavesTab: false });
  await model.close();
  await model.close();
  expect(log.destroyed).toBe(2);
  expect(await caught(model.complete(request(), patiently))).toMatchObject({ name: "AbortError" });
});

test("reports the download, and does not end the session that it opened", async () => {
  const reports: unknown[] = [];
  const { opening, log } = open({ availability: "downloadable" }, (report) => reports.push(report));
  await opening;
  expect(reports).toEqual([{ done: 0.5, total: 1, words: "Downloading the model" }]);
  expect(log.created[0]?.signal.aborted).toBe(false);
});

test("stops asking once the answer is long enough", async () => {
  const { opening, log } = open({ pieces: Array.from({ length: 50 }, () => "eight ch"), last: "hangs" });
  const answer = await (await opening).complete(request({ maxTokens: 32 }), patiently);
  expect(answer.finish).toBe("length");
  expect(answer.text).toHaveLength(128);
  expect(log.cancelled).toBe(1);
});

test("a slow model has not stalled", async () => {
  const { opening } = open({ pieces: Array.from({ length: 15 }, () => "slow "), pace: 20 });
  const answer = await (await opening).complete(request(), { signal: unstopped(), stallAfter: 200 });
  expect(answer.text).toHaveLength(75);
});

test("silence counts as a stall, and an abort ends the session", async () => {
  const { opening, log } = open({ pieces: ["a"], last: "hangs" });
  const model = await opening;
  const stalled = await caught(model.complete(request(), { signal: unstopped(), stallAfter: 30 }));
  expect(stalled).toBeInstanceOf(ModelStalled);
  const stop = new AbortController();
  const options = { signal: stop.signal, stallAfter: 5000, onTokens: () => stop.abort() };
  expect(await caught(model.complete(request(), options))).toMatchObject({ name: "AbortError" });
  await vi.waitFor(() => expect(log.destroyed).toBe(2));
});

test.each([
  ["QuotaExceededError", ModelFailed, /too long/u],
  ["NotSupportedError", ProviderRefused, /can't do what is asked/u],
  ["UnknownError", ModelFailed, /failed: it broke/u],
])("%s in mid-answer is told in words", async (name, kind, words) => {
  const { opening } = open({ last: new DOMException("it broke", name) });
  const error = await caught((await opening).complete(request(), patiently));
  expect(error).toBeInstanceOf(kind);
  expect(String(error)).toMatch(words);
});

test("a browser without a model, or whose model doesn't run here, is refused", async () => {
  const without = await caught(openBrowser(undefined, { signal: unstopped(), progress: () => undefined }));
  expect(without).toBeInstanceOf(ProviderRefused);
  expect(await caught(open({ availability: "unavailable" }).opening)).toBeInstanceOf(ProviderRefused);
});

test("a download that needs a click says so", async () => {
  const error = await caught(open({ create: new DOMException("activation", "NotAllowedError") }).opening);
  expect(error).toBeInstanceOf(ProviderRefused);
  expect(String(error)).toContain("right after a click");
});
