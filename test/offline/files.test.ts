/** Against caches held in memory and a host that can be changed between two requests. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Build } from "../../src/offline/contract.ts";
import { dropOlder, fetchAndKeep, type FilesHost, keepBuild, keptFile } from "../../src/offline/files.ts";
import { present } from "../../src/base/assert.ts";
import { memoryCaches } from "../support/caches.ts";

const scope = "https://host.example/decoy/";
const sha = (text: string) => createHash("sha256").update(text).digest("hex");

function buildOf(version: string, files: Readonly<Record<string, string>>, late: readonly string[] = []): Build {
  return {
    version,
    files: Object.entries(files).map(([path, text]) => ({
      path,
      sha256: sha(text),
      bytes: text.length,
      late: late.includes(path),
    })),
  };
}

/** A host that serves `files`, and the list of what it was asked for. */
function hostOf(files: Record<string, string>, caches = memoryCaches()) {
  const asked: string[] = [];
  const host: FilesHost = {
    scope,
    caches,
    async fetch(input) {
      const url = String(input instanceof Request ? input.url : input);
      const path = url === scope ? "index.html" : url.slice(scope.length);
      asked.push(path);
      const text = files[path];
      return text === undefined
        ? new Response("", { status: 404 })
        : new Response(text, { headers: { "content-encoding": "identity", "x-kept": "yes" } });
    },
    fetched: () => undefined,
  };
  return { host, asked, caches };
}

const one = { "index.html": "<one>", "assets/a-1.js": "a1", "model.bin": "weights" };
const textOf = async (path: string, build: Build, host: FilesHost) => (await keptFile(path, build, host))?.text();

describe("a build", () => {
  it("is kept whole, with the host's headers but those of the way", async () => {
    const { host } = hostOf(one);
    const build = buildOf("v1", one);
    await keepBuild(build, host);
    for (const [path, text] of Object.entries(one)) expect(await textOf(path, build, host)).toBe(text);
    const kept = present(await keptFile("model.bin", build, host), "the file");
    expect([kept.headers.get("x-kept"), kept.headers.get("content-encoding")]).toEqual(["yes", null]);
  });

  it.each([
    ["another version of", { ...one, "model.bin": "other weights" }, "the host gave another version of model.bin"],
    ["nothing for", { "index.html": "<one>", "model.bin": "weights" }, "the host answered 404 for assets/a-1.js"],
  ])("leaves nothing where the host has %s a file", async (_, files, why) => {
    const { host, caches } = hostOf(files);
    await expect(keepBuild(buildOf("v1", one), host)).rejects.toThrow(why);
    expect(await caches.keys()).toEqual([]);
  });

  it("leaves nothing, and the build before untouched, where the disk is full", async () => {
    const { host, caches } = hostOf(one);
    const first = buildOf("v1", one);
    await keepBuild(first, host);
    caches.room = 3;
    const two = { ...one, "assets/a-1.js": "a longer file than there is room for" };
    const { host: later } = hostOf(two, caches);
    await expect(keepBuild(buildOf("v2", two), later)).rejects.toThrow("QuotaExceeded");
    expect(await caches.keys()).toEqual([`decoy ${scope} v1`]);
    expect(await textOf("assets/a-1.js", first, host)).toBe("a1");
  });

  it("takes from the one before what is the same, and asks for the rest", async () => {
    const { host, caches } = hostOf(one);
    await keepBuild(buildOf("v1", one), host);
    const two = { "index.html": "<two>", "assets/a-2.js": "a2", "model.bin": "weights" };
    const { host: later, asked } = hostOf(two, caches);
    const build = buildOf("v2", two);
    await keepBuild(build, later);
    expect(asked.sort()).toEqual(["assets/a-2.js", "index.html"]);
    expect(await textOf("model.bin", build, later)).toBe("weights");
    expect(await textOf("index.html", buildOf("v1", one), later)).toBe("<one>");
    await dropOlder(build, later);
    expect(await caches.keys()).toEqual([`decoy ${scope} v2`]);
  });
});

it("drops no cache of another folder or of a library", async () => {
  const { host, caches } = hostOf(one);
  const foreign = ["decoy https://host.example/ v0", "decoy https://host.example/decoy/two/ v0", "transformers-cache"];
  for (const name of foreign) await caches.open(name);
  const build = buildOf("v1", one);
  await keepBuild(build, host);
  await dropOlder(build, host);
  expect(await caches.keys()).toEqual([...foreign, `decoy ${scope} v1`]);
});

describe("a late file", () => {
  const files = { ...one, "assets/big.wasm": "big" };
  const build = buildOf("v1", files, ["assets/big.wasm"]);
  const big = present(build.files.at(-1), "the late file");

  it("is fetched and kept when it is first used, and taken along by the next build", async () => {
    const { host, asked } = hostOf(files);
    await keepBuild(build, host);
    expect(asked).not.toContain("assets/big.wasm");
    expect(await textOf(big.path, build, host)).toBeUndefined();
    expect(await (await fetchAndKeep(big, build, host)).text()).toBe("big");
    expect(await textOf(big.path, build, host)).toBe("big");
    const next = { ...build, version: "v2" };
    await keepBuild(next, host);
    expect(asked.filter((path) => path === big.path)).toHaveLength(1);
    expect(await textOf(big.path, next, host)).toBe("big");
  });

  it("is given out where there is no room to keep it, and refused where the host has another", async () => {
    const { host, caches } = hostOf(files);
    caches.room = 0;
    expect(await (await fetchAndKeep(big, build, host)).text()).toBe("big");
    const { host: newer } = hostOf({ ...files, "assets/big.wasm": "bigger" });
    await expect(fetchAndKeep(big, build, newer)).rejects.toThrow("another version");
  });
});

it("says that a file is not kept where the cache cannot be read", async () => {
  const { host, caches } = hostOf(one);
  caches.broken = true;
  expect(await keptFile("index.html", buildOf("v1", one), host)).toBeUndefined();
});
