/** The requests of a visit: to whom, what for, how many bytes went out, and what came of each. */
import type { RequestTime } from "../base/requestTimes.ts";

export type RequestOutcome =
  /** Sent; the answer is under way, or nobody could see it end. */
  | { readonly kind: "sent" }
  | { readonly kind: "answered"; readonly status: number | undefined }
  /** From what is kept on this machine: nothing left it. */
  | { readonly kind: "kept" }
  /** Not sent: the person switched requests to other hosts off. */
  | { readonly kind: "refused" };

export interface RequestRecord {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly method: string;
  /** "https://huggingface.co" */
  readonly origin: string;
  /** Without the query, which may hold a signature or a key. */
  readonly path: string;
  /** Whether it went to the host that the page itself comes from. */
  readonly own: boolean;
  /** Bytes of the body; undefined where nobody could count them. */
  readonly sent: number | undefined;
  /** Bytes of the answer's body; undefined where the browser does not say. */
  readonly received: number | undefined;
  readonly outcome: RequestOutcome;
  /** Seen by the service worker, by the thread's own record of answers, or by both. */
  readonly seen: "begun" | "ended" | "whole";
}

export interface HostTotal {
  readonly origin: string;
  readonly own: boolean;
  readonly requests: number;
  /** Of these, how many were answered from this machine or refused: they reached nobody. */
  readonly stayed: number;
  readonly sent: number;
  /** Requests whose body nobody could count. */
  readonly uncounted: number;
  readonly received: number;
  /** Requests of whose answer the browser did not tell the size. */
  readonly unmeasured: number;
}

export interface Ledger {
  /** The newest last, at most {@link mostRows} of the page's own host and as many of others. */
  readonly rows: readonly RequestRecord[];
  /** Sums of the rows that were dropped. */
  readonly dropped: readonly HostTotal[];
}

export const mostRows = 500;
export const emptyLedger: Ledger = { rows: [], dropped: [] };

/** Two accounts of one request may differ by what it takes to wake a service worker. In milliseconds. */
const sameRequest = 10_000;

export const reached = ({ outcome }: RequestRecord): boolean => outcome.kind !== "kept" && outcome.kind !== "refused";

function added(totals: readonly HostTotal[], record: RequestRecord): readonly HostTotal[] {
  const { origin, own } = record;
  const index = totals.findIndex((total) => total.origin === origin);
  const none = { requests: 0, stayed: 0, sent: 0, uncounted: 0, received: 0, unmeasured: 0 };
  const before = totals[index] ?? { origin, own, ...none };
  const left = reached(record);
  const after: HostTotal = {
    ...before,
    requests: before.requests + 1,
    stayed: before.stayed + (left ? 0 : 1),
    sent: before.sent + (left ? (record.sent ?? 0) : 0),
    uncounted: before.uncounted + (left && record.sent === undefined ? 1 : 0),
    received: before.received + (left ? (record.received ?? 0) : 0),
    unmeasured: before.unmeasured + (left && record.received === undefined ? 1 : 0),
  };
  return index < 0 ? [...totals, after] : totals.with(index, after);
}

/** The page's own host first, then in the order in which they were first asked. */
export function totalsOf({ rows, dropped }: Ledger): readonly HostTotal[] {
  const totals = rows.reduce(added, dropped);
  return [...totals.filter(({ own }) => own), ...totals.filter(({ own }) => !own)];
}

export const strangersOf = (ledger: Ledger): readonly HostTotal[] => totalsOf(ledger).filter(({ own }) => !own);

function withRow({ rows, dropped }: Ledger, record: RequestRecord): Ledger {
  const all = [...rows, record];
  const same = all.filter(({ own }) => own === record.own);
  const [oldest] = same;
  if (same.length <= mostRows || !oldest) return { rows: all, dropped };
  return { rows: all.filter((row) => row !== oldest), dropped: added(dropped, oldest) };
}

const addressOf = ({ origin, path }: Pick<RequestRecord, "origin" | "path">): string => origin + path;

/** The row of the same address that began nearest to `at`; −1 for none. */
function nearest(rows: readonly (RequestRecord | undefined)[], address: string, at: number): number {
  let [best, least] = [-1, sameRequest];
  for (const [index, row] of rows.entries()) {
    if (!row || addressOf(row) !== address) continue;
    const gap = Math.abs(row.at - at);
    if (gap < least) [best, least] = [index, gap];
  }
  return best;
}

/** The same among those that were seen from the other side alone. */
const otherSide = (rows: readonly RequestRecord[], address: string, at: number, seen: RequestRecord["seen"]): number =>
  nearest(
    rows.map((row) => (row.seen === seen ? row : undefined)),
    address,
    at,
  );

function joined(begun: RequestRecord, ended: Pick<RequestRecord, "received" | "outcome">): RequestRecord {
  const left = begun.outcome.kind === "sent";
  return {
    ...begun,
    received: left ? (ended.received ?? begun.received) : begun.received,
    outcome: left ? ended.outcome : begun.outcome,
    seen: "whole",
  };
}

/** A request that the service worker saw begin, or knows more of (the same `id`). */
export function begun(ledger: Ledger, record: RequestRecord): Ledger {
  const { rows } = ledger;
  const known = rows.findIndex(({ id }) => id === record.id);
  const row = rows[known];
  if (row) return { ...ledger, rows: rows.with(known, { ...row, sent: record.sent ?? row.sent }) };
  const other = otherSide(rows, addressOf(record), record.at, "ended");
  const ended = rows[other];
  return ended ? { ...ledger, rows: rows.with(other, joined(record, ended)) } : withRow(ledger, record);
}

/** Origin and path of an address; undefined where it names no host (blob:, data:). */
export function placeOfRequest(url: string): Pick<RequestRecord, "origin" | "path"> | undefined {
  const { protocol, origin, pathname } = new URL(url);
  return protocol === "http:" || protocol === "https:" ? { origin, path: pathname } : undefined;
}

/** A request that a thread saw end. `own`: the page's origin. Without a service worker this is all that is known of it. */
export function ended(ledger: Ledger, time: RequestTime, own: string): Ledger {
  const place = placeOfRequest(time.url);
  if (!place) return ledger;
  const { received, status, at } = time;
  const outcome: RequestOutcome = { kind: "answered", status };
  const index = otherSide(ledger.rows, addressOf(place), at, "begun");
  const row = ledger.rows[index];
  if (row) return { ...ledger, rows: ledger.rows.with(index, joined(row, { received, outcome })) };
  const id = `ended ${at} ${time.url}`;
  if (ledger.rows.some((row) => row.id === id)) return ledger;
  return withRow(ledger, {
    ...place,
    id,
    at,
    method: "",
    own: place.origin === own,
    sent: undefined,
    received,
    outcome,
    seen: "ended",
  });
}

/** The bytes of an answer, counted by the page itself as it read them. */
export function measured(ledger: Ledger, { url, at, received }: Pick<RequestTime, "url" | "at" | "received">): Ledger {
  const place = placeOfRequest(url);
  if (!place) return ledger;
  const { rows } = ledger;
  const open = rows.map((row) => (reached(row) && row.received === undefined ? row : undefined));
  const index = nearest(open, addressOf(place), at);
  const row = rows[index];
  return row ? { ...ledger, rows: rows.with(index, { ...row, received }) } : ledger;
}

export type RequestPurpose = "page" | "hub" | "program" | "chat" | "other";

const within = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);

/** What a request is for, as far as its address tells. */
export function purposeOf({ own, origin, path }: RequestRecord): RequestPurpose {
  if (own) return "page";
  const { hostname } = new URL(origin);
  if (path.endsWith("/chat/completions")) return "chat";
  if (within(hostname, "huggingface.co") || within(hostname, "hf.co")) return "hub";
  if (within(hostname, "githubusercontent.com")) return "program";
  return "other";
}
