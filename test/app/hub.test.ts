/** Encoders of the hub in the page: fetched, stopped, chosen with what is known of them, removed, missed. */
import { expect, it } from "vitest";
import { chooseEncoder, encoderFolder, encoderName, removeEncoder, storedEncoders } from "../../src/app/encoders.ts";
import { downloadLeft, fetchEncoder, lookAtHub, removeUnfinished } from "../../src/app/hub.ts";
import { settleRemovals } from "../../src/app/notices.ts";
import { predictPresets } from "../../src/app/presetMemory.ts";
import { setField } from "../../src/app/recipe.ts";
import { present } from "../../src/base/assert.ts";
import type { EngineInfo } from "../../src/domain/encoder.ts";
import type { MemoryUse } from "../../src/domain/engine.ts";
import type { Encoders } from "../../src/hub/encoders.ts";
import type { PresetFacts } from "../../src/hub/facts.ts";
import type { HubEncoder, Unfinished } from "../../src/hub/kept.ts";
import { presets } from "../../src/hub/presets.ts";
import { collection, fakeApp, result, type FakeOptions } from "./fakes.ts";

const revision = "0123456789abcdef0123456789abcdef01234567";
const encoderAt = (id: string): HubEncoder => ({ id, revision, asked: "main", licence: "mit", bytes: 5e6, files: [] });
const keyOf = (id: string) => `hub:${id}@${revision}`;

/** A hub that keeps its encoders in the app's store, as marks; what it gives in pieces of a megabyte. */
function fakeHub(facts: Readonly<Record<string, PresetFacts>> = {}) {
  const log = { ended: 0, removed: [] as string[] };
  const kept = new Map<string, HubEncoder>();
  const parts = new Map<string, Unfinished>();
  const hub: Encoders = {
    presets: presets.slice(0, 2),
    card: ({ name, shape, pooling, maxTokens, parameters }) => ({
      name,
      shape,
      pooling,
      maxTokens,
      parameters,
      queryPrefix: "",
      documentPrefix: "",
    }),
    kept: async () => [...kept.values()],
    unfinished: async () => [...parts.values()],
    files: async ({ id }) => ({ name: id, files: {} }),
    facts: async ({ id }) => facts[id] ?? {},
    async *fetch({ id, signal }) {
      try {
        for (let i = 1; i <= 5; i++) {
          parts.set(id, { id, revision, bytes: i * 1e6 });
          yield { path: "model.safetensors", loaded: i * 1e6, total: 5e6 };
          if (signal?.aborted === true) throw new Error("the connection broke");
        }
        parts.delete(id);
        kept.set(id, encoderAt(id));
        return encoderAt(id);
      } finally {
        log.ended++;
      }
    },
    remove: async ({ id }) => {
      log.removed.push(id);
      kept.delete(id);
      parts.delete(id);
    },
  };
  return { hub, kept, log };
}

/** An app whose store holds something of the hub, and whose encoder thread opens anything. */
async function appWith(facts: Readonly<Record<string, PresetFacts>> = {}, options: FakeOptions = {}) {
  const fake = fakeHub(facts);
  const app = await fakeApp({
    hub: fake.hub,
    trainer: {
      open: async function* () {
        return { model: 1, card: result.encoder, engine: result.engine };
      },
    },
    ...options,
  });
  await app.deps.store.files.put({ id: "a/b", revision, path: "#encoder" }, new Uint8Array([1]));
  return { app, ...fake };
}

it("fetches an encoder with its progress, opens it, and the next run starts from it", async () => {
  const { app } = await appWith();
  const seen: (number | undefined)[] = [];
  app.hub.download.subscribe((download) => seen.push(download?.progress?.loaded));
  await fetchEncoder(app, { id: "a/b" });
  expect(seen).toEqual([undefined, undefined, 1e6, 2e6, 3e6, 4e6, 5e6, undefined]);
  expect(app.encoders.value.map(({ key, name, bytes }) => [key, name, bytes])).toEqual([[keyOf("a/b"), "a/b", 5e6]]);
  expect(app.recipe.fields.value.encoder).toBe(keyOf("a/b"));
  expect(encoderName(app, keyOf("a/b"))).toBe("a/b");
  expect(await encoderFolder(app, keyOf("a/b"))).toEqual({ name: "a/b", files: {} });
  expect(app.notices.value.at(-1)?.text).toMatch(/^a\/b, revision 0123456, is here: 1 layer, 2 wide/u);
});

it("keeps what came of a download that is stopped, and says nothing of a broken connection", async () => {
  const { app, log } = await appWith();
  app.hub.download.subscribe((download) => {
    if (download?.progress?.loaded === 2e6) download.stop();
  });
  await fetchEncoder(app, { id: "a/b" });
  expect(app.hub.download.value).toBeUndefined();
  expect(log.ended).toBe(1);
  expect(app.notices.value).toEqual([]);
  const part = present(app.hub.unfinished.value[0], "what came");
  expect(part.bytes).toBe(2e6);
  await removeUnfinished(app, part);
  expect(app.hub.unfinished.value).toEqual([]);
});

it("does not begin with what will not fit, and says by how much", async () => {
  const { app, log } = await appWith({}, { room: 3e6 });
  await expect(fetchEncoder(app, { id: "a/b" })).rejects.toMatchObject({
    name: "StorageFull",
    message: expect.stringMatching(/needs 4 MB more, and this browser has 3 MB left/u),
  });
  expect(log.ended).toBe(1);
  expect(app.hub.download.value).toBeUndefined();
  expect(app.recipe.fields.value.encoder).toBe("decoy-small");
});

it("fills in what is known of an encoder, takes it back with it, and leaves what a person typed", async () => {
  const facts = { temperature: 0.01, pooling: "cls", queryPrefix: "query: " } as const;
  const { app } = await appWith({ "a/b": facts, "c/d": { temperature: 0.02 } });
  const fields = () => {
    const { temperature, pooling, queryPrefix } = app.recipe.fields.value;
    return { temperature, pooling, queryPrefix };
  };
  const usual = fields();
  await fetchEncoder(app, { id: "a/b" });
  expect(fields()).toEqual({ temperature: "0.01", pooling: "cls", queryPrefix: "query: " });
  setField(app, "queryPrefix", "mine: ");
  await fetchEncoder(app, { id: "c/d" });
  expect(fields()).toEqual({ temperature: "0.02", pooling: "", queryPrefix: "mine: " });
  await chooseEncoder(app, "decoy-static");
  expect(fields()).toEqual({ ...usual, queryPrefix: "mine: " });
  expect(app.recipe.fields.value.encoder).toBe("decoy-static");
});

it("removes a kept encoder, with a way back, and then for good", async () => {
  const { app, log } = await appWith({ "a/b": { temperature: 0.01 } });
  await fetchEncoder(app, { id: "a/b" });
  const record = present(app.encoders.value[0], "the encoder");
  await removeEncoder(app, record);
  expect(app.encoders.value).toEqual([]);
  expect(app.recipe.fields.value).toMatchObject({ encoder: "decoy-small", temperature: "0.05" });
  app.notices.value.find(({ action }) => action?.label === "Undo")?.action?.act();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(app.recipe.fields.value).toMatchObject({ encoder: record.key, temperature: "0.01" });
  expect(log.removed).toEqual([]);
  await removeEncoder(app, record);
  await settleRemovals(app);
  expect(log.removed).toEqual(["a/b"]);
});

it("a run whose encoder is not kept says which one to fetch, at which revision", async () => {
  const { app } = await appWith();
  await expect(encoderFolder(app, keyOf("gone/away"))).rejects.toMatchObject({
    name: "NotKept",
    message: expect.stringMatching(/gone\/away at revision 0123456 .* Download it again .* 0123456789abcdef/u),
  });
});

it("loads nothing of the hub where nothing of it is kept", async () => {
  const app = await fakeApp({ collection });
  expect(await storedEncoders(app)).toEqual([]);
  const { app: other, kept } = await appWith();
  kept.set("a/b", encoderAt("a/b"));
  expect((await storedEncoders(other)).map(({ key }) => key)).toEqual([keyOf("a/b")]);
});

it("predicts by the preset's shape, of all of it and with LoRA, and says what is refused", async () => {
  const asked: unknown[] = [];
  const engine: EngineInfo = { ...result.engine, kind: "webgpu", device: "a GPU" };
  const memory: MemoryUse = { weights: 1, adapters: 0, gradient: 0, moments: 0, activations: 0, total: 1 };
  const { app } = await appWith(
    {},
    {
      trainer: {
        predict: async function* ({ card, config }) {
          asked.push([card.parameters, config.lora?.rank, config.batchSize]);
          if (!config.lora) throw new Error("too much for this GPU");
          return { memory: { ...memory, total: card.parameters }, engine };
        },
      },
    },
  );
  setField(app, "batchSize", "7");
  await lookAtHub(app);
  await predictPresets(app);
  const [first] = presets;
  const parameters = first?.parameters ?? NaN;
  expect(app.hub.memory.value.get(first?.id ?? "")).toEqual({
    engine,
    full: { kind: "refused", problem: "too much for this GPU" },
    lora: { kind: "known", bytes: parameters },
  });
  expect(app.hub.memory.value.size).toBe(2);
  expect(asked.slice(0, 2)).toEqual([
    [parameters, undefined, 7],
    [parameters, 8, 7],
  ]);
});

it("tells the time left by the pace since it began, not by what was there", () => {
  const download = { id: "a/b", stop: () => undefined, since: { at: 1000, loaded: 6e6 } };
  const at = (loaded: number) => ({ ...download, progress: { path: "x", loaded, total: 10e6 } });
  expect(downloadLeft(at(8e6), 3000)).toBe(2);
  expect(downloadLeft(at(6e6), 3000)).toBeUndefined();
});
