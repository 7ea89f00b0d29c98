/** The hub, by a server on this machine with the real one's paths: what is needed, resumed, checked, refused. */
import { createHash } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import { isUserError } from "../../src/base/errors.ts";
import { openFiles, openFolder, openSources } from "../../src/encoder/folder.ts";
import { download, type HubProgress } from "../../src/hub/download.ts";
import { keptEncoders, keptFiles, PIECE, removeKept, unfinished, type FileStore } from "../../src/hub/kept.ts";
import { hubSource } from "../../src/hub/request.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { inMemory } from "../support/folders.ts";
import { hubServer, memoryFiles, type Fault, type HubRepository } from "../support/hubServer.ts";

const id = "somebody/tiny-encoder";
const commit = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS = "model.safetensors";
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const tiny = tinyEncoder({
  "modules.json": [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  ],
  "1_Pooling/config.json": { pooling_mode_cls_token: true },
});
const extra = {
  "onnx/model.onnx": json(1),
  "pytorch_model.bin": json(2),
  "train_log.txt": json(3),
  "empty.txt": json(""),
};
const repository: HubRepository = { id, commit, files: { ...tiny.files, ...extra }, licence: "mit" };

/** Two and a half pieces, no two alike, under the name of the weights. */
const large = new Uint8Array(2.5 * PIECE);
for (let i = 0; i < large.length; i++) large[i] = (i * 2654435761) >>> 13;
const largeRepository: HubRepository = { ...repository, files: { ...tiny.files, [WEIGHTS]: large } };

let closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  closing = [];
});

async function serve(content = repository, faults?: (path: string) => Fault | undefined) {
  const server = await hubServer(content, faults);
  closing.push(server.close);
  return server;
}

/** The fault once, or `times`, for paths that end so. */
function fault(end: string, given: Fault, times = 1) {
  let left = times;
  return (path: string) => (path.endsWith(end) && left-- > 0 ? given : undefined);
}

async function thrown(work: Promise<unknown>): Promise<Error> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof Error)) throw new Error("nothing was thrown");
  return error;
}

async function isWhole(store: FileStore, weights: Uint8Array | undefined): Promise<boolean> {
  const [encoder] = await keptEncoders(store);
  const bytes = encoder && (await inMemory(await keptFiles(store, encoder))).files[WEIGHTS];
  return bytes !== undefined && weights !== undefined && Buffer.compare(bytes, weights) === 0;
}

test("fetches what modules.json names and nothing else, pins the commit, and the encoder opens from what was kept", async () => {
  const { hub, asked } = await serve();
  const store = memoryFiles();
  const reports: HubProgress[] = [];
  const stage = download({ hub, store, id });
  let step = await stage.next();
  for (; !step.done; step = await stage.next()) reports.push(step.value);
  const encoder = step.value;
  expect(encoder).toMatchObject({ id, revision: commit, asked: "main", licence: "mit" });
  expect(encoder.files.map(({ path }) => path).toSorted()).toEqual(Object.keys(tiny.files).toSorted());
  for (const { path, sha256 } of encoder.files)
    expect(sha256).toBe(
      createHash("sha256")
        .update(tiny.files[path] ?? "")
        .digest("hex"),
    );
  expect(reports.at(-1)).toMatchObject({ loaded: encoder.bytes, total: encoder.bytes });
  expect(reports.every(({ loaded }, i) => loaded >= (reports[i - 1]?.loaded ?? 0))).toBe(true);
  expect(asked[0]?.path).toBe(`/api/models/${id}/revision/main`);
  // After the list, everything is asked for at the commit; the weights lie behind a redirect.
  expect(
    asked.slice(1).every(({ path }) => path.startsWith(`/${id}/resolve/${commit}/`) || path.startsWith("/cdn/")),
  ).toBe(true);
  expect(asked.map(({ path }) => path)).toContain(`/cdn/${WEIGHTS}`);
  const opened = await openFiles(await keptFiles(store, encoder));
  expect(opened.weights).toEqual(openFolder(tiny).weights);
  expect(opened.card.pooling).toBe("cls");
});

test("a commit that is there is not asked for; a branch is; without a connection it is the commit that it last was", async () => {
  const { hub, asked, close } = await serve();
  const store = memoryFiles();
  const first = await finish(download({ hub, store, id }));
  asked.length = 0;
  expect(await finish(download({ hub, store, id, revision: commit }))).toEqual(first);
  expect(asked).toEqual([]);
  expect(await finish(download({ hub, store, id }))).toEqual(first);
  expect(asked.map(({ path }) => path)).toEqual([`/api/models/${id}/revision/main`]);
  await close();
  expect(await finish(download({ hub, store, id }))).toEqual(first);
  const error = await thrown(finish(download({ hub, store, id, revision: "other" })));
  expect(error).toMatchObject({ name: "HubUnreachable", forPerson: true });
});

test("killed between pieces, it goes on where it stopped, and no byte comes twice", async () => {
  const { hub, asked } = await serve(largeRepository);
  // Two puts each for modules.json and config.json, then two pieces of the weights.
  const dying = memoryFiles(6);
  await expect(finish(download({ hub, store: dying, id }))).rejects.toThrow("the page was closed");
  expect(await keptEncoders(dying)).toEqual([]);
  // Pieces of config.json, modules.json and the weights.
  const small =
    (dying.held.get(JSON.stringify([id, commit, "modules.json#0"]))?.length ?? 0) +
    (tiny.files["config.json"]?.length ?? 0);
  expect(await unfinished(dying)).toEqual([{ id, revision: commit, bytes: 2 * PIECE + small }]);
  const store = memoryFiles();
  for (const [key, bytes] of dying.held) store.held.set(key, bytes);
  asked.length = 0;
  await finish(download({ hub, store, id }));
  expect(asked.filter(({ path }) => path.endsWith(WEIGHTS)).map(({ range }) => range)).toEqual(
    Array.from({ length: 2 }, () => `bytes=${2 * PIECE}-${large.length - 1}`),
  );
  expect(await isWhole(store, large)).toBe(true);
});

test.each<[string, Fault]>([
  ["breaks off", { kind: "cut", after: 1.3 * PIECE }],
  ["ends early, as if it were whole", { kind: "short", after: 100_000 }],
  ["falls silent", { kind: "silent" }],
  ["is busy", { kind: "status", status: 503 }],
  ["counts requests", { kind: "status", status: 429, headers: { "retry-after": "7" } }],
  ["knows no ranges", { kind: "noRanges" }],
])("a server that once %s: the file is whole all the same", async (_, given) => {
  const store = memoryFiles();
  const { hub } = await serve(largeRepository, fault(`cdn/${WEIGHTS}`, given));
  await finish(download({ hub, store, id }));
  expect(await isWhole(store, large)).toBe(true);
});

test("a server without ranges, in the middle of a file: what is known is passed over", async () => {
  const store = memoryFiles();
  let times = 0;
  const { hub } = await serve(largeRepository, (path) =>
    path === `/cdn/${WEIGHTS}`
      ? times++ === 0
        ? { kind: "cut", after: 1.3 * PIECE }
        : { kind: "noRanges" }
      : undefined,
  );
  await finish(download({ hub, store, id }));
  expect(await isWhole(store, large)).toBe(true);
});

const always = Infinity;
test.each<[string, string, Fault, string, string]>([
  ["401", "/main", { kind: "status", status: 401 }, "HubRefused", "does not exist, or is private"],
  ["403", "/main", { kind: "status", status: 403 }, "HubRefused", "agree to their terms"],
  [
    "gated",
    WEIGHTS,
    { kind: "status", status: 401, headers: { "x-error-code": "GatedRepo" } },
    "HubRefused",
    "agree to",
  ],
  ["404", "/main", { kind: "status", status: 404 }, "NotOnHub", "nothing there"],
  [
    "a revision that is not there",
    "/main",
    { kind: "status", status: 404, headers: { "x-error-code": "RevisionNotFound" } },
    "NotOnHub",
    "no such revision",
  ],
  ["429", WEIGHTS, { kind: "status", status: 429, headers: { "retry-after": "30" } }, "HubBusy", "Wait 30 seconds"],
  ["500", WEIGHTS, { kind: "status", status: 500 }, "HubBusy", "a problem of its own"],
  ["a web page for the list", "/main", { kind: "html" }, "DamagedDownload", "web page"],
  ["a web page for a file", "tokenizer.json", { kind: "html" }, "DamagedDownload", "web page"],
  ["a list of another kind", "/main", { kind: "json", value: { error: "no" } }, "DamagedDownload", "not a list"],
  ["a commit that is none", "/main", { kind: "json", value: { sha: "../..", siblings: [] } }, "DamagedDownload", "sha"],
  [
    "a list that names no weights",
    "/main",
    { kind: "json", value: { sha: commit, siblings: [] } },
    "NotOnHub",
    "no weights",
  ],
  ["another byte in the weights", `cdn/${WEIGHTS}`, { kind: "flip" }, "DamagedDownload", "checksum"],
  ["another byte in a small file", "tokenizer.json", { kind: "flip" }, "DamagedDownload", "checksum"],
  [
    "a file that always ends early",
    `cdn/${WEIGHTS}`,
    { kind: "short", after: 0 },
    "BrokenOff",
    "goes on where it stopped",
  ],
  ["silence", `cdn/${WEIGHTS}`, { kind: "silent" }, "HubUnreachable", "did not answer"],
])(
  "%s: an error that says what to do, and nothing that counts as an encoder",
  async (...[, end, given, name, words]) => {
    const store = memoryFiles();
    const { hub } = await serve(repository, fault(end, given, always));
    const error = await thrown(finish(download({ hub, store, id })));
    expect(error).toMatchObject({ name, forPerson: true });
    expect(error.message).toContain(words);
    expect(await keptEncoders(store)).toEqual([]);
  },
);

test("what had a wrong checksum is gone: the next try fetches it anew and is whole", async () => {
  const store = memoryFiles();
  const { hub } = await serve(repository, fault(`cdn/${WEIGHTS}`, { kind: "flip" }));
  await thrown(finish(download({ hub, store, id })));
  expect([...store.held.keys()].some((key) => key.includes(WEIGHTS))).toBe(false);
  await finish(download({ hub, store, id }));
  expect(await isWhole(store, tiny.files[WEIGHTS])).toBe(true);
});

test("a pinned checksum counts more than the hub's own", async () => {
  const store = memoryFiles();
  const { hub } = await serve();
  const error = await thrown(finish(download({ hub, store, id, pinned: { [WEIGHTS]: "0".repeat(64) } })));
  expect(error.message).toContain("this preset was checked with");
  expect(await keptEncoders(store)).toEqual([]);
});

test("weights in shards: the index says which, and only they come", async () => {
  const { [WEIGHTS]: _, ...rest } = tiny.files;
  const [one, two] = [json("one"), json("two")];
  const index = json({ weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" } });
  const files = {
    ...rest,
    "model.safetensors.index.json": index,
    "model-00001-of-00002.safetensors": one,
    "model-00002-of-00002.safetensors": two,
    "other.safetensors": one,
  };
  const { hub } = await serve({ id, commit, files });
  const encoder = await finish(download({ hub, store: memoryFiles(), id }));
  const paths = encoder.files.map(({ path }) => path).filter((path) => path.includes("safetensors"));
  expect(paths).toEqual([
    "model.safetensors.index.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
  ]);
});

test.each([
  ["weights as a pickle only", { [WEIGHTS]: undefined }, "pytorch_model.bin"],
  [
    "a module outside of the folder",
    { "modules.json": json([{ type: "x.Transformer", path: "../../etc" }]) },
    "../../etc",
  ],
  ["modules.json that is no list", { "modules.json": json({ a: 1 }) }, "modules.json"],
  [
    "an index that names a file elsewhere",
    { [WEIGHTS]: undefined, "model.safetensors.index.json": json({ weight_map: { a: "../x.safetensors" } }) },
    "not there",
  ],
])("refuses %s", async (_, changes, words) => {
  const files: Record<string, Uint8Array> = {};
  for (const [path, bytes] of Object.entries({ ...repository.files, ...changes })) if (bytes) files[path] = bytes;
  const { hub } = await serve({ ...repository, files });
  const error = await thrown(finish(download({ hub, store: memoryFiles(), id })));
  expect(error).toMatchObject({ name: "NotOnHub", forPerson: true });
  expect(error.message).toContain(words);
});

test.each(["", "a/b/c", "../x", "a b/c", "https://huggingface.co/a/b", "a/..", "-a\n/b"])(
  "%j is no name, and nothing is asked",
  async (name) => {
    const { hub, asked } = await serve();
    const error = await thrown(finish(download({ hub, store: memoryFiles(), id: name })));
    expect(isUserError(error)).toBe(true);
    expect(asked).toEqual([]);
  },
);

test("stopped and removed: nothing of it is left, and others stay", async () => {
  const { hub } = await serve(largeRepository);
  const store = memoryFiles();
  await store.put({ id: "another/one", revision: commit, path: "config.json" }, json(1));
  for await (const { path } of download({ hub, store, id })) if (path === WEIGHTS) break;
  expect(store.held.size).toBeGreaterThan(2);
  await removeKept(store, { id, revision: commit });
  expect((await store.list()).map((place) => place.id)).toEqual(["another/one"]);
});

test("a piece that storage lost is noticed before anything is read", async () => {
  const { hub } = await serve(largeRepository);
  const store = memoryFiles();
  const encoder = await finish(download({ hub, store, id }));
  await store.remove({ id, revision: commit, path: `${WEIGHTS}#1` });
  await expect(keptFiles(store, encoder)).rejects.toThrow("no longer whole");
  await store.put({ id, revision: commit, path: `${WEIGHTS}#1` }, large.slice(0, PIECE - 1));
  await expect(keptFiles(store, encoder)).rejects.toThrow("no longer whole");
  // Whole or damaged, it is no download that waits to be gone on with.
  expect(await unfinished(store)).toEqual([]);
});

test.each<[string, Fault | undefined]>([
  ["in ranges", undefined],
  ["by a server that knows none", { kind: "noRanges" }],
])("an encoder read from the hub without keeping it, %s", async (_, given) => {
  const { hub } = await serve(repository, given && fault(WEIGHTS, given, always));
  const files = Object.entries(tiny.files).map(([path, bytes]) =>
    hubSource(hub, { id, revision: commit }, { path, size: bytes.length }),
  );
  const opened = await openSources({ name: id, files });
  expect(opened.weights).toEqual(openFolder(tiny).weights);
});
