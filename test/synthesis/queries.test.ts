import { expect, test, vi } from "vitest";
import type { Document } from "../../src/domain/collection.ts";
import { documentId, type DocumentId } from "../../src/domain/ids.ts";
import { ModelFailed, ProviderRefused } from "../../src/domain/languageModel.ts";
import type { WriteQueriesInput, WrittenQuery } from "../../src/domain/synthesis.ts";
import { suggestDomains } from "../../src/synthesis/domains.ts";
import { writeQueries } from "../../src/synthesis/queries.ts";
import { scriptedModel } from "../support/scriptedModel.ts";

const document = (id: string, text: string, title = ""): Document => ({ id: documentId(id), title, text });
const salt = document("salt", "Rivers dissolve minerals from rocks and carry the salt slowly down into the sea.");
const tide = document("tide", "The moon pulls the water of the oceans and so the tide rises twice a day.");
const says = (...queries: unknown[]) => JSON.stringify({ queries });
/** The document stands at this rank, 1-based, for every query. */
const ranking = (id: DocumentId, rank: number) =>
  Array.from({ length: 100 }, (_, i) => (i === rank - 1 ? id : documentId(`other${i}`)));

async function written(input: Pick<WriteQueriesInput, "model"> & Partial<WriteQueriesInput>) {
  const queries: WrittenQuery[] = [];
  const signal = new AbortController().signal;
  const search = async () => ranking(salt.id, 1);
  const stage = writeQueries({ documents: [salt], perDocument: 2, seed: 1, search, top: 10, signal, ...input });
  for await (const query of stage) queries.push(query);
  return queries;
}

test.each([
  [1, true, "ranks 1st"],
  [2, true, "ranks 2nd"],
  [10, true, "ranks 10th"],
  [11, false, "ranks 11th"],
  [23, false, "ranks 23rd"],
  [37, false, "ranks 37th"],
  [1000, false, "not among the first 100"],
])("a query is kept if its document is among the first ten: rank %i", async (rank, kept, reason) => {
  const search = vi.fn(async () => ranking(salt.id, rank).slice(0, 100));
  const [query] = await written({ model: scriptedModel([says("why is the sea salty")]), perDocument: 1, search });
  expect(query).toEqual({ documentId: salt.id, text: "why is the sea salty", kept, reason });
  expect(search.mock.calls).toEqual([["why is the sea salty", 100]]);
});

test("what repeats another query or copies the document is not kept, and not searched for", async () => {
  const searched: string[] = [];
  const model = scriptedModel([
    says(
      "why is the sea salty",
      "Why is the SEA salty?",
      "do rivers dissolve minerals from rocks and carry the salt",
      "do rivers dissolve minerals from rocks and carry sand",
      "x ".repeat(300),
      "?!",
    ),
  ]);
  const search = async (text: string) => {
    searched.push(text);
    return ranking(salt.id, 3);
  };
  const queries = await written({ model, perDocument: 9, search });
  expect(queries.map(({ kept, reason }) => [kept, reason])).toEqual([
    [true, "ranks 3rd"],
    [false, "the same as another written query"],
    [false, "copies 8 words in a row from its document"],
    [true, "ranks 3rd"],
    [false, "has 599 characters; 400 is the most"],
    [false, "has no words"],
  ]);
  expect(searched.length).toBe(2);
});

test("a query of another document that says the same is not kept either", async () => {
  const model = scriptedModel([says("salt and tides"), says("Salt and tides!")]);
  const search = async () => [salt.id, tide.id];
  const queries = await written({ model, documents: [salt, tide], perDocument: 1, search });
  expect(queries).toMatchObject([
    { documentId: "salt", kept: true },
    { documentId: "tide", kept: false, reason: "the same as another written query" },
  ]);
});

test("where words are not set apart, characters in a row are counted", async () => {
  const text = "河流溶解岩石中的矿物质并慢慢把盐分带到海洋里去所以海水是咸的";
  const chinese = document("zh", text);
  const model = scriptedModel([says(text.slice(0, 16), `${text.slice(0, 15)}吗`)]);
  const search = async () => [chinese.id];
  const queries = await written({ model, documents: [chinese], search });
  expect(queries.map(({ reason }) => reason)).toEqual(["copies 16 characters in a row from its document", "ranks 1st"]);
});

test("each document and each try has its own seed, and another recipe seed others", async () => {
  const seeds = async (seed: number) => {
    const model = scriptedModel(["nothing"]);
    await written({ model, documents: [salt, tide], seed });
    return model.requests.map(({ seed }) => seed);
  };
  const [one, again, other] = [await seeds(1), await seeds(1), await seeds(2)];
  expect(new Set([...one, ...other]).size).toBe(8);
  expect(again).toEqual(one);
});

test.each([
  ["a bare list", '["why is it salty", "who salts the sea"]'],
  ["wrapped items", '{"queries": [{"query": "why is it salty"}, {"query": "who salts the sea"}]}'],
  ["text around", 'Sure! {"queries": ["why is it salty", "who salts the sea"]} Enjoy.'],
  ["line breaks and control characters", says("why is\nit \u0000salty ", "who  salts the sea", "one too many")],
])("reads queries from %s", async (_, answer) => {
  const queries = await written({ model: scriptedModel([answer]) });
  expect(queries.map(({ text }) => text)).toEqual(["why is it salty", "who salts the sea"]);
});

test.each([
  ["prose", "I would ask why the sea is salty."],
  ["the schema", '{"type":"object","properties":{"queries":{"type":"array","items":{"type":"string"}}}}'],
  ["no texts", says(1, null, "", [[]])],
  ["an inherited member", '{"__proto__":{"queries":["why"]}}'],
  ["brackets without end", "[{".repeat(50_000)],
])("an answer without queries is asked for once more, then said: %s", async (_, answer) => {
  const model = scriptedModel([answer]);
  expect(await written({ model })).toEqual([
    { documentId: "salt", text: "", kept: false, reason: "no queries in 2 tries: the answer could not be read" },
  ]);
  expect(model.requests.length).toBe(2);
});

test("a refusal ends it; so do five requests without an answer; a stop ends it in mid-answer", async () => {
  const refused = new ProviderRefused("No key.");
  await expect(written({ model: scriptedModel([refused]) })).rejects.toBe(refused);
  const documents = Array.from({ length: 9 }, (_, i) => document(`d${i}`, "Some text."));
  const dead = scriptedModel([new ModelFailed("Out of memory.")]);
  await expect(written({ model: dead, documents })).rejects.toMatchObject({ name: "ModelFailed" });
  expect(dead.requests.length).toBe(5);
  const stop = new AbortController();
  const hanging = scriptedModel(["hang"]);
  const waiting = written({ model: hanging, signal: stop.signal });
  await vi.waitFor(() => expect(hanging.underWay()).toBe(1));
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  const model = scriptedModel([says("why is the sea salty")]);
  const stuck = new AbortController();
  const search = vi.fn(() => new Promise<never>(() => undefined));
  const searching = written({ model, signal: stuck.signal, search });
  await vi.waitFor(() => expect(search).toHaveBeenCalled());
  stuck.abort();
  await expect(searching).rejects.toMatchObject({ name: "AbortError" });
});

test("documents are written for at once as far as the model goes", async () => {
  const documents = Array.from({ length: 8 }, (_, i) => document(`d${i}`, "Some text."));
  const model = scriptedModel(({ seed }) => says(`question ${seed}`), { concurrency: 3, latency: 2 });
  const queries = await written({ model, documents });
  expect([queries.length, model.most()]).toEqual([8, 3]);
});

const { signal } = new AbortController();
const domains = (...names: unknown[]) => JSON.stringify({ domains: names });

test("domains are trimmed, distinct, short, and twelve at the most", async () => {
  const many = Array.from({ length: 14 }, (_, i) => `Field ${i}`);
  const names = domains(" Oceanography ", "oceanography", "", "Sea\nSalt", "y".repeat(101), ...many);
  expect(await suggestDomains([salt, tide], scriptedModel([names]), signal)).toEqual([
    "Oceanography",
    "Sea Salt",
    ...many.slice(0, 10),
  ]);
});

test("domains are asked for twice; then the error says what came", async () => {
  const model = scriptedModel(["Oceans, I think.", domains("Geology")]);
  expect(await suggestDomains([salt], model, signal)).toEqual(["Geology"]);
  expect(model.requests[0]?.seed).not.toBe(model.requests[1]?.seed);
  const never = scriptedModel(["Oceans, I think."]);
  await expect(suggestDomains([salt], never, signal)).rejects.toMatchObject({
    name: "ModelFailed",
    message: expect.stringContaining("“Oceans, I think.”") as string,
  });
  expect(never.requests.length).toBe(2);
  const failing = scriptedModel([new ModelFailed("Out of memory.")]);
  await expect(suggestDomains([salt], failing, signal)).rejects.toMatchObject({
    message: expect.stringContaining("Out of memory.") as string,
  });
  await expect(suggestDomains([salt], scriptedModel(["hang"]), AbortSignal.abort())).rejects.toMatchObject({
    name: "AbortError",
  });
});
