/** The page's side of its service worker: starts it, hears it, and knows when a newer build waits. */
import { requestChannel, watchRequests } from "../base/requestTimes.ts";
import { begun, ended, measured } from "../domain/requests.ts";
import { type Heard, type Hello, type Told, versionName, workerFile } from "../offline/contract.ts";
import type { App } from "./app.ts";
import { tell } from "./notices.ts";
import { type PrivacyHost, type Stored, type StoredKind, holdOffline } from "./privacy.ts";

/** An answer that takes longer does not come: the worker is an older one, or the browser ended it. Milliseconds. */
const patience = 5000;
/** What the browser takes to tell of a request that ended, in milliseconds. */
const telling = 500;

function asked(worker: ServiceWorker, told: Told): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    const late = setTimeout(() => reject(new Error("the service worker does not answer")), patience);
    port1.addEventListener("message", ({ data }) => {
      clearTimeout(late);
      port1.close();
      resolve(data);
    });
    port1.start();
    worker.postMessage(told, [port2]);
  });
}

const isHello = (answer: unknown): answer is Hello =>
  typeof answer === "object" && answer !== null && "requests" in answer;

const ownVersion = (): string => document.querySelector<HTMLMetaElement>(`meta[name="${versionName}"]`)?.content ?? "";

/** Hears of requests from now on, and of those since this page was asked for. */
export function followRequests(app: App): void {
  const { ledger } = app.privacy;
  const scope = new URL("./", document.baseURI).href;
  const heard = (message: Heard): void => {
    if ("scope" in message && message.scope !== scope) return;
    switch (message.kind) {
      case "times":
        for (const time of message.times) ledger.value = ended(ledger.value, time, location.origin);
        return;
      case "received":
        // Without a service worker the row comes with what the browser tells of the answer, a moment later.
        app.deps.later(telling, () => (ledger.value = measured(ledger.value, message)));
        return;
      case "request":
        ledger.value = begun(ledger.value, message.record);
        return;
      case "offline":
        holdOffline(app, message.on);
        return;
      case "not kept":
        noGuard(app, `The page's files could not be kept on this machine: ${message.why}.`);
        return;
      default:
        message satisfies never;
    }
  };
  // A page that a worker gave out was seen from its first request on.
  standing(app, performance.timeOrigin);
  watchRequests((times) => heard({ kind: "times", times }));
  if (typeof BroadcastChannel === "undefined") return;
  new BroadcastChannel(requestChannel).addEventListener("message", ({ data }: MessageEvent<Heard>) => heard(data));
}

function noGuard({ privacy }: App, why: string): void {
  // The first reason is the one that says most.
  if (privacy.guard.value.kind === "starting") privacy.guard.value = { kind: "none", why };
}

async function greet(app: App, worker: ServiceWorker): Promise<void> {
  const { privacy } = app;
  const hello = await asked(worker, { kind: "hello", version: ownVersion() });
  if (!isHello(hello)) return;
  // On wins: whoever switched it on has not switched it off since, or both would be off.
  if (privacy.offline.value && !hello.offline) await asked(worker, { kind: "offline", on: true });
  else if (hello.offline) holdOffline(app, true);
  for (const record of hello.requests)
    if (record.at >= performance.timeOrigin) privacy.ledger.value = begun(privacy.ledger.value, record);
  if (hello.version !== ownVersion()) noGuard(app, "This page is of another build than what is kept. Reload it.");
}

/** Says that a newer build waits; it takes over when no other page of this one is open. */
function offerNewer(app: App, waiting: ServiceWorker): void {
  const act = async (): Promise<void> => {
    const others = await letTakeOver(waiting);
    if (others === 0) return;
    const where = others === 1 ? "another tab. Close it" : `${others} other tabs. Close them`;
    const text = `A new version is ready, but Decoy is open in ${where}, then reload.`;
    tell(app, { kind: "problem", text, action: { label: "Reload", act: () => void act() } });
  };
  const text = "A new version of Decoy is ready.";
  tell(app, { kind: "done", text, action: { label: "Reload", act: () => void act() } });
}

function followUpdates(app: App, registration: ServiceWorkerRegistration): void {
  const { serviceWorker } = navigator;
  if (registration.waiting && serviceWorker.controller) offerNewer(app, registration.waiting);
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && serviceWorker.controller) offerNewer(app, worker);
      if (worker.state === "redundant" && !serviceWorker.controller)
        noGuard(app, "The page's files could not be kept on this machine.");
    });
  });
}

/** The worker that is in force, once there is one. */
async function start(app: App): Promise<void> {
  const { serviceWorker } = navigator;
  const registration = await serviceWorker.register(new URL(workerFile, document.baseURI), { updateViaCache: "none" });
  followUpdates(app, registration);
  const { active } = await serviceWorker.ready;
  if (active) await greet(app, active);
}

/** `since` in milliseconds since 1970. */
function standing({ privacy }: App, since: number): void {
  if (navigator.serviceWorker?.controller && privacy.guard.value.kind !== "standing")
    privacy.guard.value = { kind: "standing", since };
}

/** Another tab let a newer build take over, though that was meant to wait for this one. */
function overtaken(app: App): void {
  tell(app, {
    kind: "problem",
    text: "A new version of Decoy has taken over. Reload this page to go on with it.",
    action: { label: "Reload", act: () => location.reload() },
  });
}

/** Asks a newer build to take over: the number of other pages that are in the way. The page is loaded anew once it has. */
async function letTakeOver(waiting: ServiceWorker): Promise<number> {
  const reload = (): void => location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", reload, { once: true });
  const others = Number(await asked(waiting, { kind: "take over" }).catch(() => 0));
  if (others > 0) navigator.serviceWorker.removeEventListener("controllerchange", reload);
  return others;
}

/** Called when the page has nothing better to do: on a first visit all files of the page are fetched and kept now. */
export async function startGuard(app: App): Promise<void> {
  if (!import.meta.env.PROD) return noGuard(app, "The development server has none.");
  if (!("serviceWorker" in navigator))
    return noGuard(
      app,
      "This browser offers none to this page: private windows and addresses without https have none.",
    );
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener("controllerchange", () =>
    app.privacy.guard.value.kind === "standing" ? overtaken(app) : standing(app, Date.now()),
  );
  try {
    if (serviceWorker.controller) await greet(app, serviceWorker.controller);
    await start(app);
  } catch (error) {
    noGuard(app, `The browser refused it (${error instanceof Error ? error.message : String(error)}).`);
  }
}

const kindOf: Readonly<Record<string, StoredKind>> = { indexedDB: "database", caches: "files" };

/** Chromium says how much of what kind; others the sum alone. */
async function stored(): Promise<Stored | undefined> {
  const estimate: (StorageEstimate & { usageDetails?: Record<string, number> }) | undefined =
    await navigator.storage?.estimate?.();
  if (!estimate) return undefined;
  const details = Object.entries(estimate.usageDetails ?? {}).map(([name, bytes]) => ({
    kind: kindOf[name] ?? "other",
    bytes,
  }));
  const kinds = details.length > 0 ? details : [{ kind: "other" as const, bytes: estimate.usage ?? 0 }];
  return { kinds, persistent: (await navigator.storage.persisted?.()) ?? false };
}

export const pagePrivacy: PrivacyHost = {
  async setOffline(on) {
    const worker = navigator.serviceWorker?.controller;
    if (worker) await asked(worker, { kind: "offline", on });
  },
  stored,
  keep: async () => (await navigator.storage?.persist?.()) ?? false,
};
