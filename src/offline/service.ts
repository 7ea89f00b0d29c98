/**
 * The service worker: keeps the page's own files, tells of every request, and refuses those to other hosts while the
 * person's switch is on. Requests that it need not answer it leaves to the browser: an answer that passed through here
 * would break off when the browser ends the worker, which it does after half a minute without events.
 */
import { messageOf } from "../base/errors.ts";
import type { RequestOutcome, RequestRecord } from "../domain/requests.ts";
import { placeOfRequest } from "../domain/requests.ts";
import type { Build, Hello, News, Told } from "./contract.ts";
import { dropOlder, fetchAndKeep, type FilesHost, keepBuild, keptFile } from "./files.ts";
import { planOf } from "./plan.ts";
import { openSwitch } from "./switch.ts";

/** What is used of a service worker's global scope. */
export interface OfflineScope {
  readonly caches: CacheStorage;
  readonly fetch: typeof fetch;
  readonly registration: {
    readonly scope: string;
    unregister(): Promise<boolean>;
  };
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: {
      readonly type: "window";
      readonly includeUncontrolled: boolean;
    }): Promise<readonly { readonly url: string }[]>;
  };
  skipWaiting(): Promise<void>;
}

export interface OfflineService {
  install(): Promise<void>;
  activate(): Promise<void>;
  /** The answer to a request; undefined where it is the browser's to give. */
  answer(request: Request): Promise<Response> | undefined;
  /** What a page is answered. */
  hear(told: Told): Promise<unknown>;
}

/** So many requests are remembered for a page that has only begun to listen. */
const mostRemembered = 200;

interface Circle {
  readonly build: Build;
  readonly scope: OfflineScope;
  readonly host: FilesHost;
  readonly offline: ReturnType<typeof openSwitch>;
  readonly records: ReturnType<typeof recorder>;
  readonly tell: (news: News) => void;
}

type Noted = Pick<Request, "url" | "method">;

const bodyless = (method: string): boolean => method === "GET" || method === "HEAD";

/** The number of open pages of this folder, those of no service worker too. */
async function openPages({ clients, registration }: OfflineScope): Promise<number> {
  const all = await clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => url.startsWith(registration.scope)).length;
}

/** Bytes of a body, counted without keeping it. */
async function bytesOf(request: Request): Promise<number> {
  const reader = request.body?.getReader();
  // Firefox shows no stream.
  if (!reader) return (await request.arrayBuffer()).byteLength;
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    bytes += value.byteLength;
  }
}

/** Remembers and tells what is noted of requests. */
function recorder(tell: (news: News) => void, { registration }: OfflineScope) {
  const { scope } = registration;
  const remembered = new Map<string, RequestRecord>();
  const woke = Date.now();
  let count = 0;
  function put(record: RequestRecord): void {
    remembered.set(record.id, record);
    const [oldest] = remembered.keys();
    if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest);
    tell({ kind: "request", scope, record });
  }
  /** `received`: where the whole answer has come. */
  function note({ url, method }: Noted, outcome: RequestOutcome, received?: number): RequestRecord | undefined {
    const place = placeOfRequest(url);
    if (!place) return undefined;
    const record: RequestRecord = {
      ...place,
      id: `${woke}-${count++}`,
      at: Date.now(),
      method,
      own: place.origin === new URL(scope).origin,
      sent: bodyless(method) ? 0 : undefined,
      received,
      outcome,
      seen: received === undefined ? "begun" : "whole",
    };
    put(record);
    return record;
  }
  return { note, put, all: () => [...remembered.values()] };
}

/** A file of the page: as it is kept, else from the host if that still has this build. */
async function keptAnswer(path: string, request: Request, circle: Circle): Promise<Response> {
  const { build, host, offline, scope } = circle;
  const { note } = circle.records;
  const kept = await keptFile(path, build, host);
  if (kept) {
    note(request, { kind: "kept" });
    return kept;
  }
  if (await offline.read()) {
    note(request, { kind: "refused" });
    return Response.error();
  }
  if (request.mode === "navigate") {
    // The browser lost what was kept. The page comes from the host as if there had been no worker; a new one follows.
    void scope.registration.unregister();
    note(request, { kind: "sent" });
    return scope.fetch(request);
  }
  note(request, { kind: "sent" });
  const file = build.files.find((file) => file.path === path);
  try {
    // The page sees this one end by itself.
    if (file) return await fetchAndKeep(file, build, { ...host, fetched: () => undefined });
  } catch (error) {
    if (!(error instanceof TypeError)) return new Response(messageOf(error), { status: 503 });
  }
  return Response.error();
}

async function heard(told: Told, { build, scope, offline, records, tell }: Circle): Promise<unknown> {
  switch (told.kind) {
    case "hello": {
      if (told.version === build.version) await scope.clients.claim();
      const hello: Hello = { version: build.version, offline: await offline.read(), requests: records.all() };
      return hello;
    }
    case "offline":
      await offline.write(told.on);
      tell({ kind: "offline", scope: scope.registration.scope, on: told.on });
      return told.on;
    case "take over": {
      const others = (await openPages(scope)) - 1;
      // It comes true when this worker is in force, and the page must not wait for that before it listens.
      if (others <= 0) void scope.skipWaiting();
      return others;
    }
    default:
      return told satisfies never;
  }
}

/** Counts what goes out, and leaves the request to the browser. */
function letGo(request: Request, { records }: Circle): void {
  const body = bodyless(request.method) ? undefined : request.clone();
  const record = records.note(request, { kind: "sent" });
  if (!record || !body) return;
  bytesOf(body).then(
    (sent) => records.put({ ...record, sent }),
    () => undefined,
  );
}

/** A request that no file of the page answers. */
function answerOther(request: Request, circle: Circle): Promise<Response> | undefined {
  const { offline, records } = circle;
  const refused = (): Response => {
    records.note(request, { kind: "refused" });
    return Response.error();
  };
  const known = offline.known();
  if (known === true) return Promise.resolve(refused());
  if (known === false) {
    letGo(request, circle);
    return undefined;
  }
  // Just woken up, and reading the switch takes a moment. Led on to its own address, the request goes to the browser.
  const copy = request.clone();
  return offline.read().then((on) => {
    if (on) return refused();
    letGo(copy, circle);
    return Response.redirect(request.url, 307);
  });
}

export function createOffline(build: Build, scope: OfflineScope, tell: (news: News) => void): OfflineService {
  const { caches, registration } = scope;
  const records = recorder(tell, scope);
  const host: FilesHost = {
    scope: registration.scope,
    caches,
    fetch: scope.fetch,
    fetched: (url, bytes) => void records.note({ url, method: "GET" }, { kind: "answered", status: 200 }, bytes),
  };
  const paths = new Set(build.files.map(({ path }) => path));
  const offline = openSwitch(caches, registration.scope);
  const circle: Circle = { build, scope, host, offline, records, tell };
  return {
    async install() {
      try {
        await keepBuild(build, host);
      } catch (error) {
        tell({ kind: "not kept", scope: registration.scope, why: messageOf(error) });
        throw error;
      }
    },
    activate: () => dropOlder(build, host),
    answer(request) {
      const plan = planOf(request, { scope: registration.scope, paths, offline: true });
      switch (plan.kind) {
        case "kept":
          return keptAnswer(plan.path, request, circle);
        case "refuse":
          return answerOther(request, circle);
        case "leave":
          return undefined;
        default:
          return plan satisfies never;
      }
    },
    hear: (told) => heard(told, circle),
  };
}
