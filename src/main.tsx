/** The composition root: opens the store, names the threads, mounts the page. */
import { render } from "preact";
import { type App, createApp } from "./app/app.ts";
import type { AppStore, FolderFormats, Pipeline, Settings } from "./app/dependencies.ts";
import { followRequests, pagePrivacy, startGuard } from "./app/guard.ts";
import { memoryStore } from "./app/memoryStore.ts";
import { type NewNotice, noticeOf, tell, tellError } from "./app/notices.ts";
import { followAddress } from "./app/places.ts";
import { fetchShipped } from "./app/shipped.ts";
import { openApp, saveWhenHidden } from "./app/start.ts";
import { encoderThread, readerThread, retrieverThread, startExporter, startGenerator } from "./app/workers.ts";
import { present } from "./base/assert.ts";
import { countedFetch } from "./base/countedFetch.ts";
import type { Synthesis } from "./domain/synthesis.ts";
import type { Encoders } from "./hub/encoders.ts";
import type { FileStore } from "./hub/kept.ts";
import type { Uploads } from "./hub/uploads.ts";
import { openStore } from "./storage/store.ts";
import { claimWriter } from "./storage/writer.ts";
import { Shell } from "./ui/shell/shell.tsx";

const now = (): Date => new Date();

/** What the storage has to say; it may speak before there is a page to say it on. */
interface StoreNews {
  tell: (notice: NewNotice) => void;
  readonly early: NewNotice[];
}

function newsOfStore(): StoreNews {
  const early: NewNotice[] = [];
  return { early, tell: (notice) => void early.push(notice) };
}

async function openedStore(news: StoreNews): Promise<{ readonly store: AppStore; readonly noted: boolean }> {
  const say = (text: string) => () => news.tell({ kind: "problem", text });
  try {
    const store = await openStore({
      onBlocked: say("Another tab holds an older Decoy open. Close it to go on here."),
      onClosing: say("Another tab opened a newer Decoy. Reload this page to go on."),
      onTerminated: say(
        "The browser cut the connection to its storage. What was saved is there; the next save opens it again.",
      ),
    });
    return { store, noted: true };
  } catch (error) {
    news.tell(noticeOf(error));
    news.tell({ kind: "problem", text: "Decoy works without storage now: nothing is kept once this page closes." });
    return { store: memoryStore(now), noted: false };
  }
}

/** Reading `localStorage` throws where site data is blocked; settings are then kept for this visit. */
function pageSettings(): Settings {
  try {
    return globalThis.localStorage;
  } catch {
    const kept = new Map<string, string>();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
  }
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // The download has begun by then; the address would keep the bytes alive for as long as the page is.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function later(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

/** Loaded with the first run. */
const pipeline: Pipeline = async function* (services, input) {
  const { run } = await import("./pipeline/run.ts");
  return yield* run(services, input);
};

/** Loaded when decoys are first written, judged or looked through: the page starts without it. */
async function synthesis(): Promise<Synthesis> {
  const [{ createSynthesis }, { promptApiOf }] = await Promise.all([
    import("./synthesis/service.ts"),
    import("./synthesis/providers/browser.ts"),
  ]);
  const fetch = countedFetch(globalThis.fetch.bind(globalThis));
  return createSynthesis({
    scope: globalThis,
    startWorker: startGenerator,
    promptApi: promptApiOf(globalThis),
    fetch,
    origin: location.origin,
    clock: now,
  });
}

/** Loaded when an encoder is first opened or given away. */
async function formats(): Promise<FolderFormats> {
  const [{ readFolder, ...folder }, { modelCard }, { openZip }] = await Promise.all([
    import("./export/folder.ts"),
    import("./export/card.ts"),
    import("./data/zip.ts"),
  ]);
  return { ...folder, modelCard, readFolder: (files) => readFolder(files, openZip) };
}

/** Loaded when an encoder of the hub is first looked for, or is kept. */
async function hub(files: FileStore): Promise<Encoders> {
  const [{ encodersOf }, { huggingFace }] = await Promise.all([
    import("./hub/encoders.ts"),
    import("./hub/request.ts"),
  ]);
  return encodersOf({ ...huggingFace, fetch: countedFetch(globalThis.fetch.bind(globalThis)) }, files);
}

async function room(): Promise<number | undefined> {
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  return quota === undefined || usage === undefined ? undefined : quota - usage;
}

/** Loaded when something is first to be sent to the hub. */
async function uploads(): Promise<Uploads> {
  const [{ createUploads }, { putByXhr }, { huggingFace }] = await Promise.all([
    import("./hub/uploads.ts"),
    import("./hub/put.ts"),
    import("./hub/request.ts"),
  ]);
  return createUploads({
    hub: huggingFace,
    fetch: countedFetch(globalThis.fetch.bind(globalThis)),
    put: putByXhr,
    secrets: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    page: document.baseURI,
  });
}

/** The same promise for everyone, unless it failed: then the next one tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

const otherTabClosed: NewNotice = {
  kind: "done",
  text: "The other tab is closed.",
  action: { label: "Reload to work here", act: () => location.reload() },
};

async function composedApp(news: StoreNews): Promise<App> {
  const { writer, whenFree } = await claimWriter(navigator.locks);
  if (!writer) void whenFree.then(() => news.tell(otherTabClosed));
  const encoder = encoderThread();
  const opened = await openedStore(news);
  return createApp({
    ...opened,
    askToKeep: () => void navigator.storage?.persist?.(),
    writer,
    services: { encoder, retriever: retrieverThread() },
    reader: readerThread(),
    searcher: { encoder, retriever: retrieverThread() },
    neighbours: retrieverThread(),
    synthesis: once(synthesis),
    pipeline,
    formats,
    hub: once(() => hub(opened.store.files)),
    room,
    uploads: once(uploads),
    startExporter,
    settings: pageSettings(),
    shipped: (path) => fetchShipped(path, document.baseURI),
    download,
    now,
    newId: () => `${now().getTime().toString(36)}-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`,
    later,
  });
}

async function start(): Promise<void> {
  const root = present(document.getElementById("app"), "the element to mount on");
  const news = newsOfStore();
  const app = await composedApp(news);
  news.tell = (notice) => void tell(app, notice);
  news.early.forEach(news.tell);
  addEventListener("unhandledrejection", ({ reason }) => tellError(app, reason));
  addEventListener("error", ({ error }) => tellError(app, error));
  app.privacy.host = pagePrivacy;
  followRequests(app);
  followAddress(app);
  saveWhenHidden(app);
  root.replaceChildren();
  render(<Shell app={app} />, root);
  await openApp(app);
  whenIdle(() => void startGuard(app));
}

/** Safari has no idle callback. */
function whenIdle(act: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(act, { timeout: 10_000 });
  else setTimeout(act, 2000);
}

await start();
