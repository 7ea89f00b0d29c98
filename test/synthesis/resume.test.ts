/** A generation that is stopped, and the session after it. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Draft } from "../../src/domain/draft.ts";
import type { CompletionRequest } from "../../src/domain/languageModel.ts";
import { generate } from "../../src/synthesis/generate.ts";
import { goodAnswer, scriptedModel } from "../support/scriptedModel.ts";
import { bad, byKey, inputOf, take, topic, whole } from "./generating.ts";

/** Every third seed is answered badly, the same way in every session. */
const mixed = (request: CompletionRequest) => (request.seed % 3 === 0 ? bad : goodAnswer(request));

test.each([1, 3])(
  "after a stop at any report a second session asks what is missing and no more (%i at once)",
  async (concurrency) => {
    const session = (known: ReadonlyMap<string, Draft>) => {
      const model = scriptedModel(mixed, { provider: "webllm", concurrency });
      return { model, input: inputOf({ model, known, recipe: { perQuery: 2, retries: 1 } }) };
    };
    const alone = session(new Map());
    const all = await whole(alone.input);
    expect(all.drafts.some(({ outcome }) => outcome === "rejected")).toBe(true);
    for (let most = 1; most <= all.reports.length; most++) {
      const first = session(new Map());
      const stopped = await take(first.input, most);
      const second = session(byKey(stopped.drafts));
      const rest = await whole(second.input);
      const again = first.model.requests.length + second.model.requests.length - alone.model.requests.length;
      expect(again).toBeGreaterThanOrEqual(0);
      // Where one is asked at a time, none is under way while the consumer holds a draft or has not let a request go out.
      expect(again).toBeLessThanOrEqual(
        concurrency === 1 && stopped.reports.at(-1)?.kind !== "tokens" ? 0 : concurrency,
      );
      const together = byKey([...stopped.drafts, ...rest.drafts]);
      expect(together.size).toBe(stopped.drafts.length + rest.drafts.length);
      expect([...together.keys()].toSorted()).toEqual([...byKey(all.drafts).keys()].toSorted());
      expect(rest.summary.missing).toBe(all.summary.missing);
    }
  },
);

test("a negative whose failed tries were thrown away is not asked for again", async () => {
  const settings = { provider: "webllm" as const };
  const model = scriptedModel((request, call) => (call === 0 ? bad : goodAnswer(request)), settings);
  const { drafts } = await whole(inputOf({ model, topics: topic }));
  const idle = scriptedModel(goodAnswer, settings);
  const known = byKey(drafts.filter(({ outcome }) => outcome !== "rejected"));
  const { summary, reports } = await whole(inputOf({ model: idle, topics: topic, known }));
  expect([idle.requests.length, reports.length, summary.missing]).toEqual([0, 0, 0]);
});

test.each(["hang", "deaf", "slow"])("a stop in mid-answer ends at once (%s)", async (line) => {
  const stop = new AbortController();
  const model = scriptedModel([line]);
  const stage = generate(inputOf({ model, signal: stop.signal }));
  expect((await stage.next()).value).toMatchObject({ kind: "asking" });
  const next = (async () => {
    for (;;) if ((await stage.next()).done) return "finished";
  })();
  await vi.waitFor(() => expect(model.requests.length).toBe(1));
  stop.abort();
  await expect(next).rejects.toMatchObject({ name: "AbortError" });
  expect(await stage.next()).toEqual({ done: true, value: undefined });
  await vi.waitFor(() => expect(model.underWay()).toBe(line === "deaf" ? 1 : 0));
  expect(model.requests.length).toBe(1);
});

test("return() in mid-answer ends it too", async () => {
  const model = scriptedModel(["hang"]);
  const stage = generate(inputOf({ model }));
  await stage.next();
  const next = stage.next();
  await vi.waitFor(() => expect(model.underWay()).toBe(1));
  const returned = stage.return(undefined as never);
  await expect(next).rejects.toMatchObject({ name: "AbortError" });
  expect((await returned).done).toBe(true);
  expect(model.underWay()).toBe(0);
});

test("a stop hands over the drafts that are finished, and nothing else", async () => {
  const stop = new AbortController();
  const model = scriptedModel((request, call) => (call === 2 ? "hang" : goodAnswer(request)), {
    concurrency: 3,
    provider: "endpoint",
  });
  const stage = generate(inputOf({ model, signal: stop.signal }));
  const kinds: (string | undefined)[] = [];
  const next = async () => {
    const { value, done } = await stage.next();
    kinds.push(done ? "end" : value.kind);
  };
  for (let i = 0; i < 3; i++) await next();
  // The third request goes out and hangs; a first draft is handed over, a second one waits.
  await next();
  await vi.waitFor(() => expect([model.requests.length, model.underWay()]).toEqual([3, 1]));
  await sleep(5);
  stop.abort();
  const rest: string[] = [];
  await expect(
    (async () => {
      for await (const report of stage) rest.push(report.kind);
    })(),
  ).rejects.toMatchObject({ name: "AbortError" });
  expect(kinds.slice(0, 3)).toEqual(["asking", "asking", "asking"]);
  expect([...kinds.slice(3), ...rest].filter((kind) => kind === "draft").length).toBe(2);
  expect(new Set(rest)).toEqual(new Set(["draft"]));
});

test("a generation that is stopped before it began asks nothing", async () => {
  const model = scriptedModel(goodAnswer);
  const ended = await take(inputOf({ model, signal: AbortSignal.abort() }));
  expect(ended).toMatchObject({ reports: [], error: { name: "AbortError" } });
  expect(model.requests).toEqual([]);
});
