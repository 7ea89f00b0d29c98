import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../src/domain/languageModel.ts";
import type { Topic } from "../../src/domain/synthesis.ts";
import { generate } from "../../src/synthesis/generate.ts";
import { metering } from "../../src/synthesis/meter.ts";
import { boundaryKeys } from "../../src/synthesis/schemas.ts";
import { answerJson, goodAnswer, passage, scriptedModel, type Script } from "../support/scriptedModel.ts";
import { bad, byKey, inputOf, take, topic, topics, whole } from "./generating.ts";

afterEach(() => void vi.restoreAllMocks());

test("writes every negative that is wanted, and tells of each as it comes", async () => {
  const model = scriptedModel(goodAnswer);
  const { reports, drafts, summary } = await whole(inputOf({ model, recipe: { perQuery: 2, domains: ["Botany"] } }));
  expect(drafts.length).toBe(8);
  expect(byKey(drafts).size).toBe(8);
  expect(summary).toMatchObject({ asked: 8, accepted: 8, repaired: 0, rejected: 0, missing: 0, promptTokens: 800 });
  const asking = reports.filter((report) => report.kind === "asking");
  expect(asking.map(({ done, total }) => [done, total])).toEqual(Array.from({ length: 8 }, (_, i) => [i, 8]));
  // Every query has its first before any has its second.
  expect(drafts.map(({ queryId }) => queryId)).toEqual(["q0", "q1", "q2", "q3", "q0", "q1", "q2", "q3"]);
  expect(drafts[0]).toMatchObject({
    queryId: "q0",
    positiveId: "d0",
    source: "synthetic",
    outcome: "accepted",
    notes: [],
    text: passage(model.requests[0]?.seed ?? 0),
    reasoning: { positive: "It names the cause." },
    attributes: { domain: "Botany" },
    provider: "recorded",
    model: "scripted",
    recipe: "syneg",
    seed: model.requests[0]?.seed,
    attempt: 1,
    answer: "",
    promptTokens: 100,
    createdAt: "2026-01-02T03:04:05.000Z",
  });
});

test("a rejected answer is tried again with another seed, as often as the recipe says", async () => {
  const model = scriptedModel([bad], { provider: "webllm" });
  const { drafts, summary } = await whole(inputOf({ model, topics: topic, recipe: { retries: 3 } }));
  expect(drafts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([1, 2, 3, 4].map((i) => [i, "rejected"]));
  expect(new Set(model.requests.map(({ seed }) => seed)).size).toBe(4);
  expect(summary).toMatchObject({ asked: 4, rejected: 4, missing: 1 });
  expect(drafts[0]?.answer).toBe(bad);
  const later = scriptedModel((request, call) => (call === 0 ? bad : goodAnswer(request)), { provider: "webllm" });
  const second = await whole(inputOf({ model: later, topics: topic }));
  expect(second.drafts.map(({ outcome }) => outcome)).toEqual(["rejected", "accepted"]);
  expect(second.summary).toMatchObject({ asked: 2, missing: 0 });
});

test("a topic that is listed twice is written about once", async () => {
  const { drafts, summary } = await whole(inputOf({ topics: [...topics, ...topics] }));
  expect([drafts.length, summary.missing]).toEqual([4, 0]);
});

test("nothing is asked while the consumer does not ask for the next report", async () => {
  const model = scriptedModel(goodAnswer);
  const stage = generate(inputOf({ model }));
  for (let drafts = 0; drafts < 3;) {
    const { value, done } = await stage.next();
    if (done) throw new Error("ended too soon");
    if (value.kind === "draft") drafts++;
    await sleep(5);
    // "asking" holds its request back; a draft the one after it.
    expect(model.requests.length).toBe(value.kind === "tokens" ? drafts + 1 : drafts);
  }
  await stage.return(undefined as never);
});

test("as many requests are under way as the model takes, and no finished draft waits while its place is filled", async () => {
  const many = Array.from({ length: 12 }, (_, i) => ({
    ...(topics[0] as Topic),
    query: { id: queryId(`q${i}`), text: `what is number ${i}` },
  }));
  const model = scriptedModel(goodAnswer, { concurrency: 3, latency: 3, provider: "endpoint" });
  const stage = generate(inputOf({ model, topics: many }));
  let drafts = 0;
  for await (const report of stage) {
    if (report.kind === "draft") drafts++;
    expect(model.requests.length - drafts).toBeLessThanOrEqual(3);
  }
  expect([drafts, model.most(), model.requests.length]).toEqual([12, 3, 12]);
});

test("a provider that refuses ends the generation with its words; what was written before is handed over", async () => {
  const refused = new ProviderRefused("No such model.");
  const script: Script = (request, call) => (call === 2 ? refused : goodAnswer(request));
  const ended = await take(inputOf({ model: scriptedModel(script) }));
  expect(ended).toMatchObject({ error: refused, drafts: [{ queryId: "q0" }, { queryId: "q1" }] });
  // As it comes from another thread.
  const crossed = Object.assign(new Error("No such model."), { name: "ProviderRefused", forPerson: true });
  const fromThread = scriptedModel((request, call) => (call === 1 ? crossed : goodAnswer(request)), { concurrency: 2 });
  expect(await take(inputOf({ model: fromThread }))).toMatchObject({ error: crossed, drafts: [{ queryId: "q0" }] });
});

test("an answer without an end is given up after the recipe's time", async () => {
  const model = scriptedModel((request, call) => (call === 0 ? "deaf" : goodAnswer(request)));
  const { drafts } = await whole(inputOf({ model, topics: topics.slice(0, 2), recipe: { timeout: 1, retries: 0 } }));
  expect(drafts.map(({ outcome }) => outcome)).toEqual(["rejected", "accepted"]);
  expect(drafts[0]?.notes).toEqual([{ flaw: "noAnswer", text: expect.stringContaining("after 1 seconds") as string }]);
});

test("a stalled or failed model costs a try; five without an answer in a row end the generation", async () => {
  const stalled = new ModelStalled("No token for 60 seconds.");
  const once = scriptedModel((request, call) => (call === 0 ? stalled : goodAnswer(request)), { provider: "webllm" });
  const { drafts } = await whole(inputOf({ model: once, topics: topic }));
  expect(drafts.map(({ notes, attempt }) => [notes, attempt])).toEqual([
    [[{ flaw: "noAnswer", text: "No token for 60 seconds." }], 1],
    [[], 2],
  ]);
  const dead = scriptedModel([new ModelFailed("Out of memory.")], { provider: "webllm" });
  const ended = await take(inputOf({ model: dead }));
  expect(ended.drafts.length).toBe(5);
  expect(dead.requests.length).toBe(5);
  expect(ended).toMatchObject({ error: { name: "ModelFailed", message: expect.stringMatching(/5 .*Out of memory/) } });
  // Four, then an answer, then four again.
  const weak = scriptedModel((request, call) => (call % 5 < 4 ? stalled : goodAnswer(request)), { provider: "webllm" });
  const { summary } = await whole(inputOf({ model: weak, recipe: { retries: 4 } }));
  expect(summary).toMatchObject({ accepted: 4, rejected: 16 });
});

test("a model that was closed ends the generation, and no draft says that it failed", async () => {
  const closed = new DOMException("The language model was closed.", "AbortError");
  expect(await take(inputOf({ model: scriptedModel([closed]) }))).toMatchObject({ drafts: [], error: closed });
});

test("copies of documents and of earlier drafts of the query are turned down", async () => {
  const copied = { id: documentId("d77"), title: "", text: passage(5) };
  const model = scriptedModel(
    [answerJson(passage(5)), answerJson(passage(6)), answerJson(passage(6).replace("was seen", "had been seen"))],
    {
      provider: "webllm",
    },
  );
  const looked: string[] = [];
  const similar = async (text: string) => {
    looked.push(text);
    return [copied];
  };
  const { drafts } = await whole(inputOf({ model, topics: topic, similar, recipe: { perQuery: 2, retries: 1 } }));
  expect(looked).toContain(passage(6));
  const told = drafts.map(({ outcome, notes }) => [outcome, notes[0]?.flaw, notes[0]?.text]);
  expect(told).toEqual([
    ["rejected", "copiesDocument", expect.stringContaining("document d77")],
    ["accepted", undefined, undefined],
    ["rejected", "copiesDocument", expect.stringMatching(/Shares 9\d % .* an earlier decoy of this query/)],
    ["rejected", "copiesDocument", expect.stringContaining("an earlier decoy of this query")],
  ]);
  // Stored ones count as earlier too.
  const later = scriptedModel([answerJson(passage(6))], { provider: "webllm" });
  const known = byKey(drafts);
  const next = await whole(inputOf({ model: later, topics: topic, known, recipe: { seed: 9, retries: 0 } }));
  expect(next.drafts.map(({ outcome }) => outcome)).toEqual(["rejected"]);
});

test("a mended answer is kept beside its draft, and no more than 8,000 characters of it", async () => {
  const answer = `Here you are: ${answerJson(passage(1))}${" ".repeat(9000)}.`;
  const { drafts, summary } = await whole(inputOf({ model: scriptedModel([answer]), topics: topic }));
  expect(drafts[0]?.outcome).toBe("repaired");
  expect(drafts[0]?.answer).toBe(answer.slice(0, 8000));
  expect(summary).toMatchObject({ repaired: 1, missing: 0 });
});

test("seconds are the model's own: the time that the consumer takes does not count", async () => {
  let clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  const model = scriptedModel((request) => {
    clock += 250;
    return goodAnswer(request);
  });
  const stage = generate(inputOf({ model }));
  let result = await stage.next();
  for (; !result.done; result = await stage.next()) clock += 10_000;
  expect(result.value.seconds).toBe(1);
});

test("tokens of all answers under way are told twice a second", () => {
  let clock = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  const told: (readonly [number, number])[] = [];
  const start = metering((tokens, seconds) => told.push([tokens, seconds]));
  const one = start();
  clock += 1000;
  const other = start();
  one.count(7);
  other.count(2);
  clock += 499;
  one.count(20);
  clock += 1;
  other.count(9);
  one.end();
  clock += 500;
  other.count(30);
  expect(told).toEqual([
    [7, 1],
    [29, 1.5],
    [30, 1],
  ]);
});

const boundary = JSON.stringify({
  [boundaryKeys.need]: "The cause.",
  [boundaryKeys.how]: "It names it.",
  [boundaryKeys.boundary]: "Without the cause it is no answer.",
  [boundaryKeys.breaks]: [{ [boundaryKeys.strategy]: "entity_shift", [boundaryKeys.change]: "Another river." }],
});

test("causalneg asks for the boundary, then for a found passage beyond it", async () => {
  const model = scriptedModel([boundary, answerJson(passage(3))], { provider: "webllm" });
  const input = inputOf({ model, topics: topic, recipe: { recipe: "causalneg" } });
  const { drafts, summary, reports } = await whole(input);
  expect(model.requests.length).toBe(2);
  const second = model.requests[1]?.messages.map(({ content }) => content).join(" ") ?? "";
  expect(second).toContain("Without the cause it is no answer.");
  expect(second).toContain(topics[0]?.found[0]?.text);
  expect(reports.filter(({ kind }) => kind === "asking").length).toBe(2);
  expect(drafts).toMatchObject([
    { recipe: "causalneg", text: passage(3), promptTokens: 200, attributes: { strategy: "entity_shift" } },
  ]);
  expect(drafts[0]?.completionTokens).toBe(
    Math.ceil(boundary.length / 4) + Math.ceil(answerJson(passage(3)).length / 4),
  );
  expect(drafts[0]?.seed).toBe(model.requests[0]?.seed);
  expect(summary).toMatchObject({ asked: 2, accepted: 1 });
  const idle = scriptedModel([], { provider: "webllm" });
  await whole({ ...input, model: idle, known: byKey(drafts) });
  expect(idle.requests).toEqual([]);
});

test("a boundary that cannot be read is asked for once more, then the try is lost", async () => {
  const settings = { provider: "webllm" as const };
  const recipe = { recipe: "causalneg", retries: 0 } as const;
  const better = scriptedModel(["No idea.", boundary, answerJson(passage(3))], settings);
  expect((await whole(inputOf({ model: better, topics: topic, recipe }))).summary).toMatchObject({
    asked: 3,
    accepted: 1,
  });
  expect(new Set(better.requests.map(({ seed }) => seed)).size).toBe(3);
  const never = scriptedModel(["No idea."], settings);
  const { drafts, summary } = await whole(inputOf({ model: never, topics: topic, recipe }));
  expect(summary).toMatchObject({ asked: 2, rejected: 1, missing: 1, promptTokens: 200 });
  expect(drafts).toMatchObject([
    { outcome: "rejected", notes: [{ flaw: "unreadable" }], answer: "No idea.", text: "" },
  ]);
});

test("recorded answers are asked for once each, and a query without one does not end the generation", async () => {
  const script: Script = ({ about, seed }) =>
    about.queryId === "q3" ? answerJson(passage(seed)) : new ModelFailed(`Nothing recorded for ${about.queryId}.`);
  const more = Array.from({ length: 6 }, (_, i) => ({
    ...(topics[0] as Topic),
    query: { id: queryId(`x${i}`), text: "x" },
  }));
  const { summary } = await whole(inputOf({ model: scriptedModel(script), topics: [...more, ...topics] }));
  expect(summary).toMatchObject({ asked: 10, accepted: 1, missing: 9 });
  const causal = inputOf({ recipe: { recipe: "causalneg" } });
  expect(await take(causal)).toMatchObject({ error: { name: "ProviderRefused" }, reports: [] });
});
