/** Files into a repository: what the hub then has is what was given, whatever went wrong on the way. */
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { finish } from "../../src/base/channel.ts";
import type { UploadFile } from "../../src/hub/largeFiles.ts";
import type { Put } from "../../src/hub/put.ts";
import { nameFrom, partsOf, type Target } from "../../src/hub/repository.ts";
import { upload, type UploadInput, type UploadReport } from "../../src/hub/upload.ts";
import { takingHub, type HubAnswer, type HubRequest, type TakingOptions } from "../support/takingHub.ts";

const token = "hf_test";
const target: Target = { kind: "model", id: "me/trained", isPrivate: true };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** As the page's own, without what only a browser has. */
const putByFetch: Put = async (url, body, { signal, progress }) => {
  const response = await fetch(url, { method: "PUT", body, signal: signal ?? null });
  progress(body.size);
  return { status: response.status, header: (name) => response.headers.get(name), text: await response.text() };
};

const fileOf = (path: string, bytes: Uint8Array<ArrayBuffer> | string): UploadFile => ({
  path,
  blob: new Blob([bytes]),
});

function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * (seed + 31) + (i >> 3) * 7 + seed) & 255);
}

const files = [
  fileOf("README.md", "# A card\n"),
  fileOf("1_Pooling/config.json", "{}"),
  fileOf("model.safetensors", noise(5000, 1)),
  fileOf("onnx/model.onnx", noise(2500, 2)),
  fileOf("empty.txt", ""),
];

async function hubFor(options: TakingOptions = {}) {
  const server = await takingHub({ tokens: [token], ...options });
  open.push(server);
  const input = (more: Partial<UploadInput> & { readonly signal?: AbortSignal } = {}): UploadInput => {
    const { signal, ...rest } = more;
    const line = { hub: server.hub, fetch: globalThis.fetch, bearer: () => token, ...(signal && { signal }) };
    return { line, put: putByFetch, target, files, existing: false, summary: "Add an encoder", ...rest };
  };
  return { server, input };
}

type Server = Awaited<ReturnType<typeof hubFor>>["server"];

/** By path, what the hub has of a repository. */
function held({ repositories }: Server, key = "models/me/trained"): Record<string, string> {
  const found = repositories.get(key)?.files ?? new Map<string, Uint8Array>();
  return Object.fromEntries([...found].map(([path, bytes]) => [path, Buffer.from(bytes).toString("base64")]));
}

const given = async (list: readonly UploadFile[]): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      list.map(async ({ path, blob }) => [path, Buffer.from(await blob.arrayBuffer()).toString("base64")] as const),
    ),
  );

const thrown = async (act: Promise<unknown>): Promise<Error> =>
  act.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );

const putsTo = ({ asked }: Server) => asked.filter(({ method }) => method === "PUT").map(({ path }) => path);

test.each<[string, TakingOptions]>([
  ["in one piece", {}],
  ["by a redirect", { redirects: true }],
  ["in parts", { partBytes: 700 }],
  ["in parts that divide it", { partBytes: 500 }],
])("what the hub got is byte for byte what was given, large files %s", async (_, options) => {
  const { server, input } = await hubFor(options);
  const reports: UploadReport[] = [];
  const done = await finish(upload(input()), (report) => void reports.push(report));
  expect(held(server)).toEqual(await given(files));
  expect(server.stored.size).toBe(2);
  expect(done).toEqual({ url: `${server.hub.base}/me/trained`, commit: "c".repeat(40) });
  expect(server.repositories.get("models/me/trained")).toMatchObject({ isPrivate: true, commits: ["Add an encoder"] });
  expect(reports[0]).toEqual({ kind: "created" });
  expect(reports.at(-1)).toEqual({ kind: "progress", doing: "sending", done: 7500, total: 7500 });
  const sent = reports.flatMap((report) =>
    report.kind === "progress" && report.doing === "sending" ? report.done : [],
  );
  expect(sent).toEqual(sent.toSorted((a, b) => a - b));
});

test("any folder arrives as it is, as a dataset too", async () => {
  const path = fc.stringMatching(/^[a-zé ]{1,8}(\/[a-z]{1,4})?\.(json|bin|parquet)$/u);
  const folder = fc.uniqueArray(fc.record({ path, bytes: fc.uint8Array({ maxLength: 3000 }) }), {
    selector: ({ path: name }) => name,
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(
      folder,
      fc.option(fc.integer({ min: 200, max: 2000 }), { nil: undefined }),
      async (list, partBytes) => {
        const server = await takingHub({ tokens: [token], ...(partBytes !== undefined && { partBytes }) });
        try {
          const own = list.map(({ path: name, bytes }) => fileOf(name, new Uint8Array(bytes)));
          const line = { hub: server.hub, fetch: globalThis.fetch, bearer: () => token };
          const to: Target = { kind: "dataset", id: "me/rows", isPrivate: false };
          await finish(upload({ line, put: putByFetch, target: to, files: own, existing: false, summary: "Rows" }));
          expect(held(server, "datasets/me/rows")).toEqual(await given(own));
        } finally {
          await server.close();
        }
      },
    ),
    { numRuns: 15 },
  );
});

test("more files than fit in one question", async () => {
  const { server, input } = await hubFor({ largeFrom: 3 });
  const many = Array.from({ length: 150 }, (_, i) => fileOf(`f${i}.txt`, i === 120 ? "large" : "a"));
  await finish(upload(input({ files: many })));
  expect(held(server)).toEqual(await given(many));
  expect(server.asked.filter(({ path }) => path.includes("preupload"))).toHaveLength(2);
});

test("cut in the middle and asked for again: only what is missing goes out, and nothing is hashed twice", async () => {
  let dies = true;
  const { server, input } = await hubFor({
    fault: ({ method }) => (dies && method === "PUT" && server.stored.size === 1 ? "cut" : undefined),
  });
  const created: UploadReport[] = [];
  const error = await thrown(finish(upload(input()), (report) => void created.push(report)));
  expect(error).toMatchObject({ name: "BrokenOff", forPerson: true });
  expect(created).toContainEqual({ kind: "created" });
  expect(held(server)).toEqual({});
  dies = false;
  server.asked.length = 0;
  const reports: UploadReport[] = [];
  await finish(upload(input({ existing: true })), (report) => void reports.push(report));
  expect(putsTo(server)).toHaveLength(1);
  expect(reports).toContainEqual({ kind: "there", path: "model.safetensors" });
  expect(reports.some((report) => report.kind === "progress" && report.doing === "hashing")).toBe(false);
  expect(held(server)).toEqual(await given(files));
});

test("a part that breaks is sent again by itself", async () => {
  let broken = 0;
  const { server, input } = await hubFor({
    partBytes: 1000,
    fault: ({ path }) => (path.endsWith("/3") && broken++ === 0 ? "cut" : undefined),
  });
  await finish(upload(input()));
  // The second file has a third part too.
  expect(broken).toBe(3);
  expect(putsTo(server).filter((path) => path.endsWith("/1"))).toHaveLength(2);
  expect(held(server)).toEqual(await given(files));
});

test("an address that has expired is asked for anew", async () => {
  let refusals = 0;
  const { server, input } = await hubFor({
    fault: ({ method }) => (method === "PUT" && refusals++ === 0 ? { status: 403 } : undefined),
  });
  await finish(upload(input()));
  expect(server.asked.filter(({ path }) => path.endsWith("/batch"))).toHaveLength(3);
  expect(held(server)).toEqual(await given(files));
});

test("stopped: what is under way ends at once, nothing is committed, and the stop is not an error of the hub", async () => {
  const stop = new AbortController();
  const { server, input } = await hubFor();
  const put: Put = (_url, _body, { signal }) =>
    new Promise((_, reject) => {
      signal?.addEventListener("abort", () =>
        reject(signal.reason instanceof Error ? signal.reason : new Error("stop")),
      );
      setTimeout(() => stop.abort(new Error("stopped by the person")), 5);
    });
  const error = await thrown(finish(upload(input({ put, signal: stop.signal }))));
  expect(error.message).toBe("stopped by the person");
  expect(server.repositories.get("models/me/trained")?.commits).toEqual([]);
});

test("the token goes to the hub alone, and to no signed address", async () => {
  const { server, input } = await hubFor({ partBytes: 700 });
  await finish(upload(input()));
  // The storage of this hub refuses a request with a token; all the same, looked at by itself:
  const elsewhere = server.asked.filter(({ method }) => method === "PUT");
  expect(elsewhere.length).toBeGreaterThan(5);
  expect(elsewhere.every((request) => request.token === undefined)).toBe(true);
  expect(server.asked.filter(({ path }) => path.includes("/api/")).every((request) => request.token === token)).toBe(
    true,
  );
});

test("where the hub sends on to another address, that gets no token either", async () => {
  const { server, input } = await hubFor({
    fault: ({ path, body }) => {
      if (path === "/verify") return { status: 200 };
      if (!path.endsWith("/batch")) return undefined;
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string }[] };
      const actions = {
        upload: { href: `${server.hub.base}/storage/${objects[0]?.oid}` },
        verify: { href: `${server.hub.base.replace("127.0.0.1", "localhost")}/verify` },
      };
      return { status: 200, body: { objects: [{ ...objects[0], actions }] } };
    },
  });
  // This hub does not hold for verified what its other address was told.
  await thrown(finish(upload(input())));
  const told = server.asked.filter(({ path }) => path === "/verify");
  expect(told).toHaveLength(2);
  expect(told.every((request) => request.token === undefined)).toBe(true);
});

test("a name that is taken is not written to, until that is asked for", async () => {
  const { server, input } = await hubFor();
  await finish(upload(input()));
  const other = [fileOf("README.md", "# Another\n")];
  const error = await thrown(finish(upload(input({ files: other }))));
  expect(error).toMatchObject({ name: "RepositoryExists", forPerson: true });
  expect(held(server)).toEqual(await given(files));
  await finish(upload(input({ files: other, existing: true })));
  expect(held(server)["README.md"]).toBe(Buffer.from("# Another\n").toString("base64"));
});

test("what was meant for few does not end in a repository that all can read", async () => {
  const { server, input } = await hubFor();
  await finish(upload(input({ target: { ...target, isPrivate: false }, files: [fileOf("a.txt", "a")] })));
  server.asked.length = 0;
  const error = await thrown(finish(upload(input({ existing: true }))));
  expect(error).toMatchObject({ name: "RepositoryExists" });
  expect(error.message).toContain("is public on the hub, and you asked for private");
  expect(server.asked.map(({ method }) => method)).toEqual(["GET"]);
});

const at = (end: string, answer: HubAnswer | "cut") => (request: HubRequest) =>
  request.path.endsWith(end) ? answer : undefined;

test.each<[string, string, HubAnswer | "cut", string, string]>([
  [
    "401",
    "/create",
    { status: 401, body: { error: "Invalid username or password." } },
    "SignInFailed",
    "sign in again",
  ],
  ["403", "/create", { status: 403, body: { error: "no scope" } }, "HubRefused", "“no scope”"],
  ["404", "preupload/main", { status: 404 }, "NotOnHub", "Check owner/name"],
  ["413", "commit/main", { status: 413 }, "NotTaken", "too large"],
  [
    "400",
    "commit/main",
    { status: 400, body: { error: "Invalid metadata in README.md" } },
    "NotTaken",
    "Invalid metadata",
  ],
  ["429", "/batch", { status: 429, headers: { "retry-after": "30" } }, "HubBusy", "30 seconds"],
  ["500", "/batch", { status: 500 }, "HubBusy", "a problem of its own"],
  ["no network", "/create", "cut", "HubUnreachable", "did not answer"],
  ["a page", "/create", { status: 200, headers: { "content-type": "text/html" } }, "NotTaken", "no answer of the hub"],
])("%s: words that say what to do, and no commit", async (...row) => {
  const [, end, answer, name, words] = row;
  const { server, input } = await hubFor({ fault: at(end, answer) });
  const error = await thrown(finish(upload(input())));
  expect(error).toMatchObject({ name, forPerson: true });
  expect(error.message).toMatch(new RegExp(words, "u"));
  expect(error.message).not.toContain(token);
  expect(server.repositories.get("models/me/trained")?.commits ?? []).toEqual([]);
});

test("the hub refuses one large file: it is named, and nothing is committed", async () => {
  const refusal = (request: HubRequest): HubAnswer | undefined => {
    if (!request.path.endsWith("/batch")) return undefined;
    const [object] = (JSON.parse(request.body.toString()) as { objects: { oid: string }[] }).objects;
    return { status: 200, body: { objects: [{ ...object, error: { code: 422, message: "quota exceeded" } }] } };
  };
  const { server, input } = await hubFor({ fault: refusal });
  const error = await thrown(finish(upload(input())));
  expect(error).toMatchObject({ name: "NotTaken", forPerson: true });
  expect(error.message).toContain("model.safetensors: “quota exceeded”");
  expect(server.repositories.get("models/me/trained")?.commits).toEqual([]);
});

test("a storage that hides its ETag cannot end parts, and says so", async () => {
  const { input } = await hubFor({ partBytes: 700 });
  const put: Put = async (...of) => ({ ...(await putByFetch(...of)), header: () => null });
  expect((await thrown(finish(upload(input({ put }))))).message).toContain("no ETag");
});

test.each([
  "",
  "me",
  "me/",
  "/x",
  "a/b/c",
  "a b/c",
  "me/-x",
  "me/x--y",
  "me/x..y",
  "me/x.git",
  `me/${"x".repeat(97)}`,
  "mé/x",
])("%j is no name, and nothing is asked", async (id) => {
  const { server, input } = await hubFor();
  expect(await thrown(finish(upload(input({ target: { ...target, id } }))))).toMatchObject({ name: "NotAName" });
  expect(server.asked).toEqual([]);
});

test("any text gives a name that the hub takes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      expect(partsOf(`me/${nameFrom(text)}`).owner).toBe("me");
    }),
  );
  expect(nameFrom("E5 base (v2) – Near misses -- Run 3")).toBe("e5-base-v2-near-misses-run-3");
});
