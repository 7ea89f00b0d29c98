import { afterEach, expect, test, vi } from "vitest";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../../src/domain/languageModel.ts";
import type { EndpointHost } from "../../../src/synthesis/providers/endpoint.ts";
import { openEndpoint } from "../../../src/synthesis/providers/endpoint.ts";
import {
  answers,
  type Behaviour,
  breaks,
  delta,
  ending,
  hangs,
  misbehavingServer,
  refuses,
  sends,
  streams,
  whole,
} from "../../support/misbehavingServer.ts";
import { caught, patiently, request, schema, unstopped } from "../../support/requests.ts";

const KEY = "sk-canary-4711";
const servers: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function opened(script: readonly Behaviour[], host: Partial<EndpointHost> = {}) {
  const server = await misbehavingServer(script);
  servers.push(server);
  const waits: number[] = [];
  const delay = async (milliseconds: number) => void waits.push(milliseconds);
  const settings = { provider: "endpoint", url: server.url, model: "llama3.2", key: KEY, concurrency: 3 } as const;
  return { model: openEndpoint(settings, { fetch, delay, ...host }), server, waits };
}

const fine = answers(["fi", "ne"]);

test("a streamed answer with its counts", async () => {
  const { model, server } = await opened([fine]);
  const counts: number[] = [];
  const answer = await model.complete(request(), { ...patiently, onTokens: (count) => counts.push(count) });
  expect(answer).toEqual({ text: "fine", finish: "stop", promptTokens: 21, completionTokens: 2, counted: true });
  expect(counts).toContain(2);
  expect(server.seen[0]).toMatchObject({
    path: "/v1/chat/completions",
    authorization: `Bearer ${KEY}`,
    body: { model: "llama3.2", stream: true, max_tokens: 100, temperature: 0.7, top_p: 0.95, seed: 7 },
  });
  expect(server.seen[0]?.body).not.toHaveProperty("about");
  expect(model.info).toEqual({
    provider: "endpoint",
    id: "llama3.2",
    context: undefined,
    reproducible: false,
    leavesTab: true,
    to: server.host,
    concurrency: 3,
  });
});

test("without a key none is sent; an address with a slash at its end is the same", async () => {
  const { server } = await opened([fine]);
  const settings = { provider: "endpoint", url: `${server.url}/`, model: "m", key: "", concurrency: 1 } as const;
  await openEndpoint(settings, { fetch }).complete(request(), patiently);
  expect(server.seen[0]).toMatchObject({ path: "/v1/chat/completions", authorization: undefined });
});

test("a whole JSON body counts, where streams are not known", async () => {
  const body = { choices: [{ message: { content: "whole" }, finish_reason: "length" }] };
  const { model } = await opened([whole(body)]);
  const answer = await model.complete(request(), patiently);
  expect(answer).toMatchObject({ text: "whole", finish: "length", counted: false });
});

test("bytes that come one by one, cut within characters, are the same answer", async () => {
  const bytes = new TextEncoder().encode(`${delta("Grüße, 世界 🙂")}${ending("stop")}`);
  const pieces = Array.from(bytes.subarray(0, 80), (_, i) => bytes.slice(i, i + 1));
  const { model } = await opened([streams([...pieces, bytes.slice(80)])]);
  expect((await model.complete(request(), patiently)).text).toBe("Grüße, 世界 🙂");
});

test("a busy server is asked again after the time that it names, in seconds or as a date", async () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const { model, waits, server } = await opened(
    [
      refuses(429, {}, { "retry-after": "3" }),
      refuses(503, {}, { "retry-after": "Mon, 23 Nov 2026 12:00:20 GMT" }),
      fine,
    ],
    { now: () => now },
  );
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(waits).toEqual([3000, 20_000]);
  expect(server.seen).toHaveLength(3);
});

test("without a time named the waits double, each between half and all of it; after five tries it fails", async () => {
  const { model, waits, server } = await opened([refuses(500)]);
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ModelFailed);
  expect(String(error)).toContain("status 500 after 5 tries");
  expect(server.seen).toHaveLength(5);
  expect(waits).toHaveLength(4);
  for (const [i, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual(500 * 2 ** i);
    expect(wait).toBeLessThanOrEqual(1000 * 2 ** i);
  }
});

test("a server that asks for more patience than there is is not waited for", async () => {
  const { model, waits } = await opened([refuses(429, {}, { "retry-after": "3600" })]);
  expect(String(await caught(model.complete(request(), patiently)))).toContain("asks to wait 3600 seconds");
  expect(waits).toEqual([]);
});

test("a schema that is refused is asked for more loosely, and the next request remembers", async () => {
  const refusal = (words: string) => refuses(400, { error: { message: words } });
  const { model, server } = await opened([
    refusal("'response_format.type' must be 'json_object' or 'text'"),
    refusal("json_object is not supported"),
    fine,
  ]);
  await model.complete(request({ schema }), patiently);
  await model.complete(request({ schema }), patiently);
  const formats = server.seen.map(({ body }) => body["response_format"]);
  expect(formats).toEqual([
    { type: "json_schema", json_schema: { name: "answer", schema, strict: true } },
    { type: "json_object" },
    undefined,
    undefined,
  ]);
});

test("two requests that are refused together give up one step together, not one each", async () => {
  const refusal = refuses(400, { error: "json_schema is not supported" });
  const { model, server } = await opened([refusal, refusal, fine]);
  await Promise.all([1, 2].map(() => model.complete(request({ schema }), patiently)));
  expect(server.seen.slice(2).map(({ body }) => body["response_format"])).toEqual([
    { type: "json_object" },
    { type: "json_object" },
  ]);
});

test("a refusal that comes late does not bring back what others have given up since", async () => {
  const refusal = () => Response.json({ error: "json_schema and json_object are not supported" }, { status: 400 });
  let release: () => void = () => undefined;
  const late = new Promise<Response>((resolve) => (release = () => resolve(refusal())));
  const formats: unknown[] = [];
  const scripted: typeof fetch = async (_, asked) => {
    const { response_format: format } = JSON.parse(asked?.body as string) as { response_format?: unknown };
    formats.push(format);
    if (formats.length === 2) return late;
    return format === undefined ? Response.json({ choices: [{ message: { content: "ok" } }] }) : refusal();
  };
  const { model } = await opened([fine], { fetch: scripted });
  const first = model.complete(request({ schema }), patiently);
  const second = model.complete(request({ schema }), patiently);
  await first;
  release();
  await second;
  expect(formats.at(-1)).toBeUndefined();
  expect(formats).toHaveLength(5);
});

test("settings that a server doesn't know are left out or called by their newer name", async () => {
  const refusal = (error: string) => refuses(400, { error });
  const { model, server } = await opened([
    refusal("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    refusal("Unsupported value: 'temperature' does not support 0.7 with this model."),
    fine,
  ]);
  await model.complete(request(), patiently);
  expect(server.seen.at(-1)?.body).toMatchObject({ max_completion_tokens: 100, seed: 7 });
  expect(server.seen.at(-1)?.body).not.toHaveProperty("temperature");
  expect(server.seen.at(-1)?.body).not.toHaveProperty("max_tokens");
});

test("a request that is refused for another reason fails with the server's words, and without the key in them", async () => {
  const { model } = await opened([refuses(400, { error: { message: `no ${KEY} here` } })]);
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ModelFailed);
  expect(String(error)).toContain("no (the key) here");
});

test("a prompt that doesn't fit is said to be too long", async () => {
  const body = { error: { message: "This model's maximum context length is 4096 tokens." } };
  const { model } = await opened([refuses(400, body)]);
  expect(String(await caught(model.complete(request(), patiently)))).toContain("too long for llama3.2");
});

test.each([
  [401, /doesn't accept the key/u],
  [403, /doesn't allow this key, or this page/u],
  [404, /knows no model llama3\.2/u],
])("status %i is refused in words, at once, without the key", async (status, words) => {
  const { model, server } = await opened([refuses(status, { error: `bad key ${KEY}` })]);
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ProviderRefused);
  expect(String(error)).toMatch(words);
  expect(String(error)).not.toContain(KEY);
  expect(server.seen).toHaveLength(1);
});

test("used-up credit is not tried again", async () => {
  const { model, server } = await opened([refuses(429, { error: { code: "insufficient_quota" } })]);
  expect(await caught(model.complete(request(), patiently))).toBeInstanceOf(ProviderRefused);
  expect(server.seen).toHaveLength(1);
});

test("a server that can't be reached at first is refused, with what to allow", async () => {
  const refused = async () => {
    throw new TypeError("Failed to fetch");
  };
  const { model } = await opened([fine], { fetch: refused, origin: "https://decoy.example" });
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ProviderRefused);
  expect(String(error)).toContain("OLLAMA_ORIGINS=https://decoy.example");
});

test("one that was reached before is asked again: it may only be starting anew", async () => {
  const down = { now: false };
  const flaky: typeof fetch = (...asked) => {
    if (!down.now) return fetch(...asked);
    down.now = false;
    return Promise.reject(new TypeError("Failed to fetch"));
  };
  const { model, waits } = await opened([fine], { fetch: flaky });
  await model.complete(request(), patiently);
  down.now = true;
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(waits).toHaveLength(1);
});

test.each<[string, Behaviour]>([
  ["breaks", breaks("half an ans")],
  ["ends before the answer does", streams([delta("half")])],
])("an answer whose stream %s is asked for again", async (_, broken) => {
  const { model, server } = await opened([broken, fine]);
  expect((await model.complete(request(), patiently)).text).toBe("fine");
  expect(server.seen).toHaveLength(2);
});

test("a stream without its last [DONE] is whole if the answer is", async () => {
  const { model, server } = await opened([streams([delta("done"), ending("length")])]);
  expect(await model.complete(request(), patiently)).toMatchObject({ text: "done", finish: "length" });
  expect(server.seen).toHaveLength(1);
});

test.each<[string, Behaviour, RegExp]>([
  ["no JSON", streams(["data: {oops\n\n"]), /can't be read: not JSON/u],
  ["JSON of another kind", whole({ choices: "none" }), /no chat completion/u],
  ["an error in the stream", streams(['data: {"error":{"message":"GPU fell over"}}\n\n']), /GPU fell over/u],
  ["a filtered answer", answers(["x"], "content_filter"), /content filter/u],
])("an answer that is %s fails, for the caller to try again", async (_, behaviour, words) => {
  const { model, server } = await opened([behaviour]);
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ModelFailed);
  expect(String(error)).toMatch(words);
  expect(server.seen).toHaveLength(1);
});

test("a web page in the place of an answer is refused", async () => {
  const { model } = await opened([sends("text/html", ["<!doctype html>"])]);
  const error = await caught(model.complete(request(), patiently));
  expect(error).toBeInstanceOf(ProviderRefused);
  expect(String(error)).toContain("web page");
});

test("an answer without end is cut", async () => {
  const { model } = await opened([hangs(...Array.from({ length: 200 }, () => "word "))]);
  const answer = await model.complete(request({ maxTokens: 32 }), patiently);
  expect(answer.finish).toBe("length");
  expect(answer.text.length).toBeLessThan(600);
});

test("a server that falls silent has stalled, and the connection is given up", async () => {
  const { model, server } = await opened([hangs("a")]);
  const error = await caught(model.complete(request(), { signal: unstopped(), stallAfter: 50 }));
  expect(error).toBeInstanceOf(ModelStalled);
  await vi.waitFor(() => expect(server.gone()).toBe(1));
});

test("an abort ends the answer, the connection and a wait alike", async () => {
  const { model, server } = await opened([hangs("a")]);
  const stop = new AbortController();
  const onTokens = () => stop.abort(new Error("enough"));
  const options = { signal: stop.signal, stallAfter: 5000, onTokens };
  expect(await caught(model.complete(request(), options))).toMatchObject({ name: "AbortError" });
  await vi.waitFor(() => expect(server.gone()).toBe(1));

  const waiting = new AbortController();
  const delay = () => new Promise<void>(() => waiting.abort());
  const { model: busy } = await opened([refuses(503)], { delay });
  const error = await caught(busy.complete(request(), { signal: waiting.signal, stallAfter: 5000 }));
  expect(error).toMatchObject({ name: "AbortError" });
});

test("closing ends what is under way and refuses what comes later", async () => {
  const { model } = await opened([hangs()]);
  const under = caught(model.complete(request(), patiently));
  await model.close();
  await model.close();
  expect(await under).toMatchObject({ name: "AbortError" });
  expect(await caught(model.complete(request(), patiently))).toMatchObject({ name: "AbortError" });
});

test.each(["localhost:11434", "ftp://x/v1", "not an address", ""])("%s is no address of an endpoint", (url) => {
  const settings = { provider: "endpoint", url, model: "m", key: "", concurrency: 1 } as const;
  expect(() => openEndpoint(settings, { fetch })).toThrow(ProviderRefused);
});
