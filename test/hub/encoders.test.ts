/** The hub as the page sees it: what a preset adds to an encoder's own files, what is fetched under which revision, how a stop ends. */
import { afterEach, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { encodersOf } from "../../src/hub/encoders.ts";
import { presetFacts } from "../../src/hub/facts.ts";
import { presetOf, type Preset } from "../../src/hub/presets.ts";
import { present } from "../../src/base/assert.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { hubServer, memoryFiles, type Fault } from "../support/hubServer.ts";

const preset = (id: string): Preset => present(presetOf(id), id);
const bge = preset("BAAI/bge-small-en-v1.5");
const commit = "0123456789abcdef0123456789abcdef01234567";

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function encoders(id: string, faults?: (path: string) => Fault | undefined) {
  const server = await hubServer({ id, commit, files: tinyEncoder().files }, faults);
  close = server.close;
  const store = memoryFiles();
  return { ...server, store, hub: encodersOf(server.hub, store), base: server.hub };
}

test("a preset says what the files leave open, and no more", async () => {
  const instruction = "Represent this sentence for searching relevant passages: ";
  expect(await presetFacts(bge, tinyEncoder())).toEqual({
    temperature: 0.01,
    pooling: "cls",
    queryPrefix: instruction,
  });
  const own = tinyEncoder({
    "1_Pooling/config.json": { pooling_mode_mean_tokens: true },
    "config_sentence_transformers.json": { prompts: { query: "q: ", document: "" } },
  });
  expect(await presetFacts(bge, own)).toEqual({ temperature: 0.01 });
  // Prompts without a text say nothing; one that is the default is meant for both.
  const empty = tinyEncoder({ "config_sentence_transformers.json": { prompts: { query: "" } } });
  expect((await presetFacts(bge, empty)).queryPrefix).toBe(instruction);
  const e5 = preset("intfloat/e5-small-v2");
  const byDefault = { prompts: { any: "text: " }, default_prompt_name: "any" };
  const facts = await presetFacts(e5, tinyEncoder({ "config_sentence_transformers.json": byDefault }));
  expect(facts).toEqual({ temperature: 0.01, pooling: "mean" });
  expect(await presetFacts(e5, tinyEncoder())).toMatchObject({ queryPrefix: "query: ", documentPrefix: "passage: " });
  // No temperature where nobody named one.
  expect(await presetFacts(preset("thenlper/gte-small"), own)).toEqual({});
});

test("an encoder's card is known before its download, by the preset", async () => {
  const { hub } = await encoders("a/b");
  expect(hub.card(bge)).toMatchObject({ shape: { hidden: 384, layers: 12 }, maxTokens: 512, parameters: 33_212_160 });
});

test("a preset is fetched at its own revision, another encoder at main, and both may be asked for at another", async () => {
  const { hub, asked } = await encoders("OpenMatch/cocodr-base-msmarco");
  // This server has main and the commit alone.
  await expect(finish(hub.fetch({ id: "OpenMatch/cocodr-base-msmarco" }))).rejects.toThrow("404");
  expect(asked.at(-1)?.path).toBe("/api/models/OpenMatch/cocodr-base-msmarco/revision/refs/pr/1");
  const encoder = await finish(hub.fetch({ id: "OpenMatch/cocodr-base-msmarco", revision: "main" }));
  expect(encoder.revision).toBe(commit);
  expect(await hub.kept()).toEqual([encoder]);
  expect(await hub.facts(encoder)).toEqual({ temperature: 0.01, pooling: "cls" });
  expect(Object.keys((await hub.files(encoder)).files)).toContain("model.safetensors");
  await hub.remove(encoder);
  expect(await hub.kept()).toEqual([]);
});

test("a stop ends a silent download at once, without another try", async () => {
  const { base, store, asked } = await encoders("a/b", (path) =>
    path.startsWith("/cdn/") ? { kind: "silent" } : undefined,
  );
  const stopping = new AbortController();
  const patient = encodersOf({ ...base, silence: 1e9, waits: [1e9] }, store);
  const work = finish(patient.fetch({ id: "a/b", signal: stopping.signal }));
  const ended = work.then(
    () => "done",
    (error: Error) => error.name,
  );
  for (let turn = 0; turn < 2000 && !asked.some(({ path }) => path.startsWith("/cdn/")); turn++)
    await new Promise((resolve) => setTimeout(resolve, 1));
  stopping.abort();
  expect(await ended).toBe("HubUnreachable");
  expect(await patient.kept()).toEqual([]);
  expect((await patient.unfinished())[0]).toMatchObject({ id: "a/b", revision: commit });
});

test("what asks is what was given", async () => {
  const { base, store } = await encoders("a/b");
  const urls: string[] = [];
  const counting: typeof fetch = (input, init) => {
    urls.push(input instanceof Request ? input.url : String(input));
    return fetch(input, init);
  };
  await finish(encodersOf({ ...base, fetch: counting }, store).fetch({ id: "a/b" }));
  expect(urls).toHaveLength(1 + 3);
});
