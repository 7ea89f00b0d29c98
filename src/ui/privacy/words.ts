/** The words of the panel "Privacy". */
import type { Guard, StoredKind } from "../../app/privacy.ts";
import {
  type HostTotal,
  type Ledger,
  type RequestPurpose,
  type RequestRecord,
  strangersOf,
} from "../../domain/requests.ts";
import { counted, size } from "../parts/format.ts";

/** "312 bytes", "84 kB". */
export const amount = (bytes: number): string => (bytes < 1000 ? counted(bytes, "byte") : size(bytes));

export const clock = (at: number): string => new Date(at).toLocaleTimeString("en-GB");

/** Requests to other hosts that left this machine. */
export const wentOut = (ledger: Ledger): number =>
  strangersOf(ledger).reduce((sum, { requests, stayed }) => sum + requests - stayed, 0);

/** Beside the name of the panel in the rail. */
export function shortState(ledger: Ledger, offline: boolean): string {
  if (offline) return "offline";
  const requests = wentOut(ledger);
  return requests === 0 ? "nothing sent" : counted(requests, "request");
}

/** A sum in which some of the requests that went out are not counted. */
function sumWords(bytes: number, missing: number, { requests, stayed }: HostTotal): string {
  if (missing === 0) return amount(bytes);
  return missing === requests - stayed ? "not known" : `at least ${amount(bytes)}`;
}

export const sentWords = (total: HostTotal): string => sumWords(total.sent, total.uncounted, total);
export const receivedWords = (total: HostTotal): string => sumWords(total.received, total.unmeasured, total);

export const purposeWords: Readonly<Record<RequestPurpose, string>> = {
  page: "This page’s own files",
  hub: "Files on the Hugging Face hub",
  program: "GPU program of a language model",
  chat: "A question to the language model’s endpoint",
  other: "Something you asked for",
};

export function outcomeWords({ outcome, received }: RequestRecord): string {
  switch (outcome.kind) {
    case "sent":
      return "sent";
    case "answered":
      if (outcome.status !== undefined) return `answered (${outcome.status})`;
      return received === undefined ? "ended, no answer seen" : "broken off";
    case "kept":
      return "from this machine";
    case "refused":
      return "refused: offline";
    default:
      return outcome satisfies never;
  }
}

/** Since when, and by whom, requests are seen. */
export function seenWords(guard: Guard, opened: number): string {
  switch (guard.kind) {
    case "starting":
      return "The list is being prepared. Until then it shows only what has come back, and how much went out is not known.";
    case "none":
      return `A service worker, which would see every request, does not watch this page. ${guard.why} So the list shows what the browser tells of requests that ended: how much went out is not known, and requests may be missing.`;
    case "standing":
      return guard.since - opened < 2000
        ? "Every request of this page and its threads since it was opened."
        : `Every request of this page and its threads since ${clock(guard.since)}. Of those before, what the browser tells of requests that ended.`;
    default:
      return guard satisfies never;
  }
}

/** Why the switch cannot be used; undefined where it can. */
export function switchOffWhy(guard: Guard): string | undefined {
  switch (guard.kind) {
    case "standing":
      return undefined;
    case "starting":
      return "It can be used in a moment, when the page’s files are kept on this machine.";
    case "none":
      return `It needs a service worker to stand between this page and the network, and there is none. ${guard.why}`;
    default:
      return guard satisfies never;
  }
}

export const storedWords: Readonly<Record<StoredKind, string>> = {
  database: "Collections, decoys, runs and encoders",
  files: "The page itself, and language models",
  other: "Everything else",
};
