/** Answers of no use, by what was wrong with them; and drafts as files. */
import type { Draft, DraftFlaw } from "../domain/draft.ts";
import type { App } from "./app.ts";

export interface RejectedDrafts {
  readonly total: number;
  /** The most frequent first. */
  readonly byFlaw: readonly { readonly flaw: DraftFlaw; readonly count: number }[];
  /** The newest first. */
  readonly drafts: readonly Draft[];
}

export function rejectedDrafts(all: readonly Draft[]): RejectedDrafts {
  const drafts = all.filter(({ outcome }) => outcome === "rejected").toReversed();
  const counts = new Map<DraftFlaw, number>();
  for (const { notes } of drafts) {
    const flaw = notes[0]?.flaw ?? "unreadable";
    counts.set(flaw, (counts.get(flaw) ?? 0) + 1);
  }
  const byFlaw = [...counts].map(([flaw, count]) => ({ flaw, count })).toSorted((a, b) => b.count - a.count);
  return { total: drafts.length, byFlaw, drafts };
}

/** So many answers, the newest, tell whether writing goes well. */
const recent = 20;

/** What is wrong with most of the newest answers; undefined where most are of use, or there are too few to tell. */
export function trouble(all: readonly Draft[]): { readonly flaw: DraftFlaw; readonly rejected: number } | undefined {
  const newest = all.filter(({ source }) => source === "synthetic").slice(-recent);
  const { total, byFlaw } = rejectedDrafts(newest);
  const [most] = byFlaw;
  return newest.length === recent && total > (3 / 4) * recent && most
    ? { flaw: most.flaw, rejected: total }
    : undefined;
}

/** One draft a line, with all that is known of it. */
export function downloadDrafts(app: App, drafts: readonly Draft[], what: string): void {
  const name = app.collections.open.value?.collection.name ?? "collection";
  const lines = drafts.map((draft) => `${JSON.stringify(draft)}\n`);
  app.deps.download(new Blob(lines, { type: "application/jsonl" }), `${name}-${what}.jsonl`);
}
