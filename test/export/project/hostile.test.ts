import "fake-indexeddb/auto";
import { strToU8, zipSync } from "fflate";
import { beforeAll, expect, test } from "vitest";
import { random } from "../../../src/base/random.ts";
import type { Manifest } from "../../../src/export/project/format.ts";
import { exported, fill, imported, openStore, signed, unpacked, zipOf, type TestStore } from "./support.ts";

let blob: Blob;
let store: TestStore;
let before: unknown;

beforeAll(async () => {
  const full = await openStore();
  await fill(full, { small: true });
  blob = await exported(full);
  store = await openStore();
  before = await store.dump();
});

async function refused(file: Blob, words: RegExp, name = "UnreadableProject"): Promise<void> {
  await expect(imported(store, file)).rejects.toMatchObject({
    name,
    forPerson: true,
    message: expect.stringMatching(words) as string,
  });
  expect(await store.dump()).toEqual(before);
}

type Change = (files: Record<string, Uint8Array>, manifest: Manifest) => Manifest | void;

/** The project with files and manifest changed and signed anew: every digest is right. */
async function forged(change: Change): Promise<Blob> {
  const { files, manifest } = await unpacked(blob);
  return signed(files, change(files, manifest) ?? manifest);
}

const json = (value: unknown) => strToU8(JSON.stringify(value));
// oxlint-disable-next-line typescript/no-explicit-any -- what is forged has no type
const read = (bytes: Uint8Array | undefined): any => JSON.parse(new TextDecoder().decode(bytes));

test("signed anew without a change it is taken: so the refusals below are for what was changed", async () => {
  const other = await openStore();
  await imported(other, await forged(() => undefined));
  expect(await other.listRuns()).toHaveLength(2);
});

test("any flipped byte: refused, or nothing of it changed what was brought", async () => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const whole = await openStore();
  await imported(whole, blob);
  const asWas = await whole.dump();
  const source = random(1, "flips");
  let refusals = 0;
  for (let i = 0; i < 60; i++) {
    const at = Math.floor(source.next() * bytes.length);
    const flipped = new Blob([bytes.with(at, (bytes[at] ?? 0) ^ (1 << (i % 8)))]);
    try {
      // Into a store that has it all: had the file passed for another, something would be added.
      await imported(whole, flipped);
    } catch (error) {
      expect(error).toMatchObject({ name: "UnreadableProject" });
      refusals++;
    }
    expect(await whole.dump(), `byte ${at}`).toEqual(asWas);
  }
  expect(refusals).toBeGreaterThan(40);
});

test.each([0, 10, 0.3, 0.9, -1])("cut off at %d: refused", async (at) => {
  const end = at < 0 ? blob.size + at : at < 1 ? Math.floor(blob.size * at) : at;
  await refused(blob.slice(0, end), /Nothing was stored/u);
});

test("another zip, and what is no zip", async () => {
  await refused(new Blob([new Uint8Array(zipSync({ "corpus.jsonl": strToU8("{}") }))]), /no project file/u);
  await refused(new Blob(["%PDF-1.7"]), /not a zip/u);
});

test("a newer format says what to do; an odd one is no project", async () => {
  const { files, manifest } = await unpacked(blob);
  const withHead = (fields: object) => zipOf({ ...files, "manifest.json": json({ ...manifest, ...fields }) });
  await refused(withHead({ version: 2, unheardOf: {} }), /format 2, .* reads up to 1\..*Reload/u, "NewerProject");
  await refused(withHead({ version: 0 }), /version/u);
  await refused(withHead({ version: 1.5 }), /not that of a project/u);
  await refused(withHead({ format: "other" }), /not that of a project/u);
  await refused(withHead({ unheardOf: 1 }), /unheardOf/u);
  await refused(zipOf({ ...files, "manifest.json": strToU8("{") }), /no JSON/u);
  await refused(zipOf({ ...files, "manifest.json": strToU8("[".repeat(200_000)) }), /damaged/u);
});

test("an entry of another digest, of another length, missing, unknown, listed twice, used twice, used by none", async () => {
  const { files, manifest } = await unpacked(blob);
  const first = manifest.entries[0];
  if (!first) throw new Error("no entry");
  const path = first.path;
  const other = files[path]?.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) ?? new Uint8Array();
  await refused(zipOf({ ...files, [path]: other }), /not what its digest says/u);
  await refused(zipOf({ ...files, [path]: new Uint8Array(3) }), /has 3 bytes and should have/u);
  const { [path]: _, ...without } = files;
  await refused(zipOf(without), /is missing/u);
  await refused(zipOf({ ...files, "more.json": strToU8("1") }), /does not know, "more\.json"/u);
  await refused(
    zipOf({ ...files, "manifest.json": json({ ...manifest, entries: [...manifest.entries, first] }) }),
    /lists .* twice/u,
  );
  await refused(
    await forged((_files, { collections }) => {
      const [one] = collections;
      one?.drafts.push(...Array.from({ length: 1000 }, () => one.drafts[0] ?? ""));
    }),
    /uses .* twice/u,
  );
  await refused(await forged((_files, { collections }) => void collections[0]?.drafts.pop()), /belong to nothing/u);
});

test.each([
  "../evil.json",
  "/etc/passwd",
  "a/../../b.json",
  "C:\\x.json",
  "a//b",
  ".hidden",
  "a\u0000b",
  "https://x.example/a",
])("the path %j is refused in the manifest and in the zip", async (path) => {
  const { files, manifest } = await unpacked(blob);
  const entries = [...manifest.entries, { path, bytes: 1, sha256: "0".repeat(64) }];
  await refused(
    zipOf({ ...files, "manifest.json": json({ ...manifest, entries }) }),
    /manifest is not valid at entries/u,
  );
  await refused(zipOf({ ...files, [path]: strToU8("x") }), /does not know|cannot be read/u);
});

test("a zip bomb, and a hundred thousand entries, are refused before they are unpacked", async () => {
  const { files } = await unpacked(blob);
  const zeros = new Uint8Array(20 * 2 ** 20);
  await refused(zipOf(files, { "bomb.json": [zeros, { level: 9 }] }), /zip bomb/u);
  const empty = new Uint8Array(0);
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`e${i}.json`, empty]));
  // The count in a zip's end record has 16 bits, and this one says 34,464.
  await refused(new Blob([new Uint8Array(zipSync(many, { level: 0 }))]), /34,464 entries or more/u);
  const fewer = Object.fromEntries(Object.entries(many).slice(0, 12_000));
  await refused(new Blob([new Uint8Array(zipSync(fewer, { level: 0 }))]), /12,000 entries/u);
});

const change =
  // oxlint-disable-next-line typescript/no-explicit-any -- what is forged has no type
  (pick: (manifest: Manifest) => string | undefined, edit: (value: any) => unknown): Change =>
    (files, manifest) => {
      const path = pick(manifest) ?? "";
      files[path] = json(edit(read(files[path])));
    };

test("a collection under another's digest, with other counts, with rows of another shape", async () => {
  const content = (manifest: Manifest) => manifest.collections[0]?.content;
  const documents = (manifest: Manifest) => content(manifest)?.documents[0] ?? "";
  await refused(
    await forged((files, manifest) => {
      const rows = read(files[documents(manifest)]);
      rows[0].text = "poison";
      files[documents(manifest)] = json(rows);
    }),
    /the collection "tiny" is not what its digest says/u,
  );
  await refused(
    await forged((_files, { collections }) => {
      if (collections[0]) (collections[0] as { id: string }).id = "f".repeat(64);
    }),
    /not what its digest says/u,
  );
  await refused(
    await forged(
      change(
        (manifest) => content(manifest)?.record.text[0],
        (kept) => ({ ...kept, documents: 15 }),
      ),
    ),
    /not what its digest says/u,
  );
  await refused(
    await forged((files, manifest) => {
      files[documents(manifest)] = json([{ id: "d0", title: "", text: 7 }]);
    }),
    /does not store: collections\/0\/documents\/0\.json, at text/u,
  );
  await refused(
    await forged((files, manifest) => void (files[documents(manifest)] = json({ length: 1 }))),
    /holds no rows/u,
  );
  await refused(
    await forged((files, manifest) => void (files[documents(manifest)] = strToU8("[".repeat(50_000)))),
    /holds no value/u,
  );
  const deep = `[${"[".repeat(150)}${"]".repeat(150)}]`;
  await refused(
    await forged((files, manifest) => void (files[documents(manifest)] = strToU8(deep))),
    /holds no value/u,
  );
});

const record = ({ runs }: Manifest) => runs[0]?.record.text[0];
const product = (name: string) => (manifest: Manifest) =>
  manifest.runs[0]?.products.find((each) => each.name === name)?.value.text[0];

test.each<[string, Change, RegExp]>([
  ["a run without steps", change(record, (run) => ({ ...run, steps: 3 })), /record of a run, at steps/u],
  ["a run with a recipe of its own", change(record, (run) => ({ ...run, config: { cmd: 1 } })), /no such key/u],
  ["a run under another's id", change(record, (run) => ({ ...run, id: "other" })), /a run is not what/u],
  [
    "rows that point beyond their texts",
    change(product("trainingSet"), (set) => ({ ...set, documents: ["a"] })),
    /beyond/u,
  ],
  ["rows without their query", change(product("trainingSet"), (set) => ({ ...set, queries: [] })), /beyond/u],
  ["vectors that are none", change(product("vectorsBefore"), (all) => ({ ...all, dimensions: 4 })), /whole vectors/u],
  [
    "an array that is not there",
    change(product("vectorsBefore"), () => ({ dimensions: 1, values: { $: "array", at: 9 } })),
    /holds no value/u,
  ],
  ["an unknown mark", change(product("gate"), () => ({ $: "eval", of: "x" })), /holds no value/u],
  [
    "a result of an unknown kind",
    (_files, { runs }) => {
      for (const product of runs[0]?.products ?? []) product.name = "__proto__";
    },
    /does not know/u,
  ],
  [
    "the same run twice",
    (_files, { runs }) => {
      for (const run of runs) run.id = "r1";
    },
    /the run r1 twice/u,
  ],
  [
    "a draft without a key",
    change(
      ({ collections }) => collections[0]?.drafts[0],
      ([draft]) => [{ ...draft, key: "" }],
    ),
    /at key/u,
  ],
  [
    "a key of an endpoint",
    change(
      ({ collections }) => collections[0]?.generation?.text[0],
      (asked) => ({ ...asked, provider: { ...asked.provider, key: "k" } }),
    ),
    /provider/u,
  ],
  [
    "a recipe for another collection",
    change(
      ({ collections }) => collections[0]?.generation?.text[0],
      (asked) => ({ ...asked, collection: "x" }),
    ),
    /recipe for decoys is not/u,
  ],
  [
    "settings that are no texts",
    change(
      ({ settings }) => settings.text[0],
      () => ({ a: 1 }),
    ),
    /settings/u,
  ],
])("%s: refused, nothing stored", async (_, edit, words) => refused(await forged(edit), words));

test("an encoder under another's digest", async () => {
  await refused(
    await forged((files, { encoders }) => {
      const path = encoders[0]?.files[0]?.parts[0] ?? "";
      files[path] = (files[path] ?? new Uint8Array()).map((byte, i) => (i === 0 ? byte ^ 1 : byte));
    }),
    /the encoder .* is not what its digest says/u,
  );
});

test("keys named __proto__ and constructor are keys like others, and change no prototype", async () => {
  const other = await openStore();
  const file = await forged((files, { collections }) => {
    const path = collections[0]?.drafts[0] ?? "";
    const text = new TextDecoder().decode(files[path]);
    files[path] = strToU8(text.replaceAll('"domain":"Pets"', '"__proto__":"x","constructor":"y"'));
  });
  await imported(other, file);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  expect(Object.prototype).not.toHaveProperty("domain");
});
