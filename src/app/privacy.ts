/** What leaves this machine, and what is kept on it: the state behind the panel "Privacy". */
import { type Signal, signal } from "@preact/signals";
import { isSwitchedOffline, switchOffline } from "../base/offline.ts";
import { type Ledger, emptyLedger } from "../domain/requests.ts";
import type { App } from "./app.ts";
import type { Settings } from "./dependencies.ts";

/** Whether a service worker stands between this page and the network. */
export type Guard =
  | { readonly kind: "starting" }
  /** It keeps the page's files and sees every request; `since` in milliseconds since 1970. */
  | { readonly kind: "standing"; readonly since: number }
  | { readonly kind: "none"; readonly why: string };

export interface Stored {
  readonly kinds: readonly { readonly kind: StoredKind; readonly bytes: number }[];
  readonly persistent: boolean;
}
export type StoredKind = "database" | "files" | "other";

/** What the browser gives for the panel; the composition root opens it. */
export interface PrivacyHost {
  /** Errors: none reached the worker. */
  setOffline(on: boolean): Promise<void>;
  stored(): Promise<Stored | undefined>;
  /** Whether the browser promised. */
  keep(): Promise<boolean>;
}

export interface PrivacyState {
  readonly ledger: Signal<Ledger>;
  readonly guard: Signal<Guard>;
  readonly offline: Signal<boolean>;
  readonly stored: Signal<Stored | undefined>;
  /** True once the browser was asked to keep what is stored, and did not promise. */
  readonly keepRefused: Signal<boolean>;
  host: PrivacyHost | undefined;
}

const key = "decoy.offline";

export function createPrivacy(settings: Settings): PrivacyState {
  const offline = settings.getItem(key) === "on";
  switchOffline(offline);
  return {
    ledger: signal(emptyLedger),
    guard: signal<Guard>({ kind: "starting" }),
    offline: signal(offline),
    stored: signal<Stored | undefined>(undefined),
    keepRefused: signal(false),
    host: undefined,
  };
}

/** Shows and keeps what holds now, whoever switched it: this tab, another one, or an earlier visit. */
export function holdOffline({ privacy, deps }: App, on: boolean): void {
  privacy.offline.value = on;
  if (isSwitchedOffline() !== on) switchOffline(on);
  deps.settings.setItem(key, on ? "on" : "off");
}

/** To "on" the page's own fetchers listen first; to "off" they wait until the service worker does. */
export async function setOffline(app: App, on: boolean): Promise<void> {
  const { host } = app.privacy;
  if (on) holdOffline(app, true);
  await host?.setOffline(on);
  holdOffline(app, on);
}

export async function lookAtStored({ privacy }: App): Promise<void> {
  privacy.stored.value = await privacy.host?.stored();
}

export async function askToKeep(app: App): Promise<void> {
  const promised = await app.privacy.host?.keep();
  app.privacy.keepRefused.value = promised !== true;
  await lookAtStored(app);
}
