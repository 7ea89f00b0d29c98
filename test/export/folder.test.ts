import { expect, test } from "vitest";
import { zipSync } from "fflate";
import { openZip } from "../../src/data/zip.ts";
import { NotAnEncoder, readFolder, zipFolder } from "../../src/export/folder.ts";
import { tinyEncoder } from "../support/encoder.ts";
import { staticEncoder } from "../support/staticEncoder.ts";
import { readGiven } from "../support/folders.ts";

const text = (content: string) => new TextEncoder().encode(content);
const blob = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)]);

test("a zip comes back as the same folder", async () => {
  const folder = tinyEncoder({ "1_Pooling/config.json": { pooling_mode: "mean" } });
  const zipped = await zipFolder(folder);
  expect(await readGiven([{ path: "tiny.zip", blob: zipped }])).toEqual(folder);
});

test.each(["0_StaticEmbedding", ""])("a static encoder with its files in %j needs no config.json", async (place) => {
  const folder = staticEncoder(place);
  expect(await readGiven([{ path: "tiny static.zip", blob: await zipFolder(folder) }])).toEqual(folder);
  const inside = Object.entries(folder.files).map(([path, bytes]) => ({ path: `mine/${path}`, blob: blob(bytes) }));
  expect(await readGiven(inside)).toEqual({ ...folder, name: "mine" });
});

test("the same folder gives the same bytes", async () => {
  const bytes = async () => new Uint8Array(await (await zipFolder(tinyEncoder())).arrayBuffer());
  expect(await bytes()).toEqual(await bytes());
});

test("a zip with the folder inside it, and litter, reads as the folder", async () => {
  const zipped = zipSync({
    "model/config.json": text("{}"),
    "model/1_Pooling/config.json": text("{}"),
    "__MACOSX/config.json": text("x"),
  });
  const folder = await readGiven([{ path: "a.zip", blob: blob(zipped) }]);
  expect(Object.keys(folder.files).toSorted()).toEqual(["1_Pooling/config.json", "config.json"]);
});

test("files of a picked folder read as the folder", async () => {
  const given = ["config.json", "tokenizer.json"].map((name) => ({ path: `mine/${name}`, blob: blob(text("{}")) }));
  expect(await readGiven(given)).toMatchObject({
    name: "mine",
    files: { "config.json": text("{}"), "tokenizer.json": text("{}") },
  });
});

test.each([
  ["not a zip", blob(text("hello")), "not a zip"],
  ["a broken zip", blob(zipSync({ "config.json": text("{}") }).slice(0, 40)), "cut short"],
  ["a zip without config.json", blob(zipSync({ "a.txt": text("a") })), "no config.json and no modules.json"],
  ["a module's config.json alone", blob(zipSync({ "1_Pooling/config.json": text("{}") })), "no config.json"],
])("refuses %s", async (_, given, words) => {
  await expect(readGiven([{ path: "x.zip", blob: given }])).rejects.toThrow(NotAnEncoder);
  await expect(readGiven([{ path: "x.zip", blob: given }])).rejects.toThrow(words);
});

test("refuses both encoders of a run that trained queries alone, and takes one of them", async () => {
  const { files } = tinyEncoder();
  const under = (...sides: string[]) =>
    zipSync(
      Object.fromEntries(
        sides.flatMap((side) => Object.entries(files).map(([path, bytes]) => [`${side}/${path}`, bytes])),
      ),
    );
  const given = (...sides: string[]) => readGiven([{ path: "x.zip", blob: blob(under(...sides)) }]);
  await expect(given("documents", "queries")).rejects.toThrow("two encoders");
  await expect(given("run/queries", "run/documents")).rejects.toThrow(NotAnEncoder);
  expect((await given("queries")).files).toEqual(files);
  expect((await given("documents", "queries/old")).files).toEqual(files);
});

test("refuses a zip of very many files before unpacking them", async () => {
  const files = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`${i}.txt`, text("x")]));
  await expect(readGiven([{ path: "x.zip", blob: blob(zipSync(files)) }])).rejects.toThrow(
    "1200 files, and an encoder has at most 1000",
  );
});

test("what is stored in a zip is a slice of it, and what a person picked stays as it was picked", async () => {
  const zip = blob(zipSync({ "config.json": text("{}"), "model.safetensors": text("weights") }, { level: 0 }));
  const sliced: unknown[] = [];
  const watched = Object.assign(blob(new Uint8Array()), {
    arrayBuffer: () => Promise.reject(new Error("read whole")),
    slice: (start: number, end: number) => {
      sliced.push([start, end]);
      return zip.slice(start, end);
    },
  });
  Object.defineProperty(watched, "size", { value: zip.size });
  const { files } = await readFolder([{ path: "x.zip", blob: watched }], openZip);
  expect(await (files["model.safetensors"] as Blob).text()).toBe("weights");
  const [start, end] = sliced.at(-1) as [number, number];
  expect(end - start).toBe("weights".length);
  const picked = ["config.json", "model.safetensors"].map((path) => ({ path: `mine/${path}`, blob: blob(text(path)) }));
  const folder = await readFolder(picked, openZip);
  expect(Object.values(folder.files)).toEqual(picked.map((each) => each.blob));
  expect(Object.values(folder.files)[1]).toBe(picked[1]?.blob);
});

test("a stored file with a wrong checksum is refused before it is sliced", async () => {
  const bytes = zipSync({ "config.json": text("{}"), "model.safetensors": text("weights") }, { level: 0 });
  bytes[Buffer.from(bytes).indexOf("weights")] = 88;
  await expect(readGiven([{ path: "x.zip", blob: blob(bytes) }])).rejects.toThrow("checksum of model.safetensors");
});
