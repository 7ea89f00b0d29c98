import { expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import { digestOfTexts } from "../../src/base/digest.ts";
import { type Generation, parseGeneration } from "../../src/domain/generation.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { CompletionRequest } from "../../src/domain/languageModel.ts";
import type { WrittenNegative } from "../../src/domain/negative.ts";
import type { GenerateReport, Topic } from "../../src/domain/synthesis.ts";
import { createSynthesis } from "../../src/synthesis/service.ts";
import { passage, scriptedModel } from "../support/scriptedModel.ts";

const synthesis = createSynthesis({
  startWorker: () => {
    throw new Error("no thread is wanted here");
  },
  fetch: () => Promise.reject(new Error("nothing is fetched here")),
  scope: { navigator: {} },
  clock: () => new Date("2026-01-02T03:04:05Z"),
});

const topic: Topic = {
  query: { id: queryId("q1"), text: "why is the sea salty" },
  positive: { id: documentId("d1"), title: "Salt", text: passage(1) },
  found: [{ id: documentId("d2"), title: "", text: passage(2) }],
};
const nothing = async () => [];
const open = (recorded: readonly WrittenNegative[]) =>
  synthesis.open({ provider: "recorded" }, recorded, {
    signal: new AbortController().signal,
    progress: () => undefined,
  });

const analysis = {
  answer_boundary: "It must not name the rivers.",
  breaks: [{ strategy: "intent_drift", change: "Tell of the tides." }],
};

/** What a generation asks, over two negatives of one topic, where no passage that comes back is of use. */
async function requestsOf(generation: Generation): Promise<readonly CompletionRequest[]> {
  const analysed = ({ schema }: CompletionRequest) => JSON.stringify(schema).includes("answer_boundary");
  const model = scriptedModel((request) => (analysed(request) ? JSON.stringify(analysis) : "no answer"), {
    provider: "webllm",
  });
  const { signal } = new AbortController();
  const known = new Map();
  const input = { topics: [topic], generation, model, known, similar: nothing, signal, now: () => new Date() };
  const stage = synthesis.generate(input);
  while (!(await stage.next()).done);
  return model.requests;
}

const asked = ({ messages, schema }: Pick<CompletionRequest, "messages" | "schema">) => ({ messages, schema });
const allOf = (request: Pick<CompletionRequest, "messages"> | undefined) =>
  present(request, "the request")
    .messages.map(({ content }) => content)
    .join("\n");
const options = { perQuery: 2, retries: 0, domains: ["Geology", "Chemistry"] };

test("the preview of syneg is the request, word for word", async () => {
  const generation = parseGeneration({ recipe: "syneg", ...options });
  const requests = await requestsOf(generation);
  expect(requests.map(({ about }) => about.index)).toEqual([0, 1]);
  for (const request of requests) {
    const preview = synthesis.preview(topic, generation, request.about.index);
    expect(preview.map(asked)).toEqual([asked(request)]);
    expect(preview.map(({ awaited }) => awaited)).toEqual([[]]);
    expect(Object.keys(preview[0] ?? {}).toSorted()).toEqual(["attributes", "awaited", "messages", "schema"]);
    expect(["Geology", "Chemistry"]).toContain(preview[0]?.attributes["domain"]);
  }
  expect(Object.values(synthesis.defaultParts(generation)).every((part) => part !== "")).toBe(true);
});

test("the preview of causalneg is both requests; the words of the analysis fill what the second awaits", async () => {
  const generation = parseGeneration({ recipe: "causalneg", ...options });
  const requests = await requestsOf(generation);
  expect(requests.map(({ about }) => about.index)).toEqual([0, 0, 1, 1]);
  for (const index of [0, 1]) {
    const [first, second] = requests.slice(2 * index).map(asked);
    const [analysing, editing] = synthesis.preview(topic, generation, index);
    const { awaited, messages, schema } = present(editing, "the second request");
    expect(analysing).toMatchObject({ ...first, awaited: [] });
    const meaning = /- intent_drift: (.*)/.exec(allOf(first))?.[1];
    const words = [`intent_drift (${meaning})`, "Tell of the tides.", "It must not name the rivers."];
    const fill = (text: string) => awaited.reduce((filled, one, i) => filled.replaceAll(one, words[i] ?? ""), text);
    expect({ schema, messages: messages.map(({ role, content }) => ({ role, content: fill(content) })) }).toEqual(
      second,
    );
    expect(awaited.map((one) => messages.filter(({ content }) => content.includes(one)).length)).toEqual([1, 1, 1]);
  }
});

test("recorded answers go the whole way: opened, asked for, checked, drafts", async () => {
  const negative = (query: string, text: string): WrittenNegative => ({
    queryId: queryId(query),
    source: "synthetic",
    title: "Tides",
    text,
    reasoning: { positive: "It names rivers.", shares: "The sea.", lacks: "The cause." },
  });
  const model = await open([negative("q1", passage(7)), negative("q1", passage(1))]);
  const reports: GenerateReport[] = [];
  const { signal } = new AbortController();
  const stage = synthesis.generate({
    topics: [topic],
    generation: parseGeneration({ perQuery: 3 }),
    model,
    known: new Map(),
    similar: nothing,
    signal,
    now: () => new Date(),
  });
  for await (const report of stage) reports.push(report);
  const drafts = reports.flatMap((report) => (report.kind === "draft" ? [report.draft] : []));
  const told = drafts
    .toSorted((a, b) => (a.text < b.text ? 1 : -1))
    .map(({ outcome, text, notes }) => [outcome, text, notes[0]?.flaw]);
  expect(told).toHaveLength(3);
  expect(told).toContainEqual(["accepted", passage(7), undefined]);
  expect(told).toContainEqual(["rejected", passage(1), "copiesPositive"]);
  expect(told).toContainEqual(["rejected", "", "noAnswer"]);
  await model.close();
});

test("every provider lists its models, with what this device lacks", async () => {
  const webllm = await synthesis.models("webllm");
  expect(webllm.length).toBeGreaterThan(3);
  expect(webllm.every(({ runs }) => !runs.here && runs.why.includes("WebGPU"))).toBe(true);
  expect(await synthesis.models("recorded")).toMatchObject([{ runs: { here: true } }]);
  expect(await synthesis.models("browser")).toMatchObject([{ runs: { here: false } }]);
  expect(synthesis.presets.map(({ name }) => name)).toContain("scifact");
});

test("a person's own decoy is accepted with notes; only what is empty or a copy is turned down", async () => {
  const good = await synthesis.checkOwn(topic, { title: " Tides ", text: ` ${passage(3)} ` }, nothing);
  expect(good).toEqual({
    key: digestOfTexts(["by hand", "q1", "Tides", passage(3)]),
    queryId: "q1",
    positiveId: "d1",
    source: "human",
    outcome: "accepted",
    notes: [],
    title: "Tides",
    text: passage(3),
    attributes: {},
    provider: "person",
    model: "",
    recipe: "by hand",
    seed: 0,
    attempt: 1,
    answer: "",
    promptTokens: 0,
    completionTokens: 0,
    seconds: 0,
    createdAt: "2026-01-02T03:04:05.000Z",
  });
  const short = await synthesis.checkOwn(topic, { title: "", text: "Tides." }, nothing);
  expect([short.outcome, short.notes[0]?.flaw]).toEqual(["accepted", "tooShort"]);
  const close = passage(1).replace("was seen", "has been seen");
  const near = await synthesis.checkOwn(topic, { title: "", text: close }, nothing);
  expect([near.outcome, near.notes[0]?.flaw]).toEqual(["accepted", "copiesPositive"]);
  const empty = await synthesis.checkOwn(topic, { title: "", text: " … " }, nothing);
  expect([empty.outcome, empty.notes[0]?.flaw]).toEqual(["rejected", "empty"]);
  const shouted = await synthesis.checkOwn(topic, { title: "", text: passage(1).toUpperCase() }, nothing);
  expect([shouted.outcome, shouted.notes[0]?.flaw]).toEqual(["rejected", "copiesPositive"]);
  const other = await synthesis.checkOwn(topic, { title: "", text: passage(2) }, async () => topic.found);
  expect([other.outcome, other.notes[0]?.text]).toEqual(["rejected", "Is document d2, word for word."]);
  expect(other.notes.filter(({ flaw }) => flaw === "copiesDocument").length).toBe(1);
});
