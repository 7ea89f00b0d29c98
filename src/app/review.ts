/** Looking through drafts one by one. Each decision is stored at once and can be taken back. */
import { type Signal, signal } from "@preact/signals";
import type { Draft } from "../domain/draft.ts";
import type { CollectionId } from "../domain/ids.ts";
import type { Topic } from "../domain/synthesis.ts";
import type { App } from "./app.ts";
import { keepDraft } from "./drafts.ts";
import { topicsOf } from "./topics.ts";

/** "open": those that nobody has decided on. "doubtful": of these, those that the judge would not keep. */
export const reviewFilters = ["open", "doubtful", "all"] as const;
export type ReviewFilter = (typeof reviewFilters)[number];

interface Passage {
  readonly title: string;
  readonly text: string;
}

export interface ReviewState {
  readonly filter: Signal<ReviewFilter>;
  /** Key of the draft that is looked at; the first of the queue where it is not in it. */
  readonly current: Signal<string | undefined>;
  /** The words as they are being changed. */
  readonly editing: Signal<Passage | undefined>;
  /** Drafts as they were before each decision of this visit, the last decision at the end. */
  readonly undo: Signal<readonly { readonly collection: CollectionId; readonly draft: Draft }[]>;
}

export function createReview(): ReviewState {
  return {
    filter: signal<ReviewFilter>("open"),
    current: signal<string | undefined>(undefined),
    editing: signal<Passage | undefined>(undefined),
    undo: signal<ReviewState["undo"]["value"]>([]),
  };
}

function passes(draft: Draft, filter: ReviewFilter): boolean {
  switch (filter) {
    case "open":
      return draft.review === undefined;
    case "doubtful":
      return draft.review === undefined && draft.judged !== undefined && draft.judged.action !== "keep";
    case "all":
      return true;
    default:
      return filter satisfies never;
  }
}

/** What there is to look through: written passages, answers that were rejected left out, in the order of writing. */
export function reviewQueue({ drafts, review }: App): readonly Draft[] {
  return drafts.list.value.filter((draft) => draft.outcome !== "rejected" && passes(draft, review.filter.value));
}

export interface Reviewed {
  readonly draft: Draft;
  /** Undefined where the collection does not have the query any more. */
  readonly topic: Topic | undefined;
  /** 0-based, in the queue. */
  readonly position: number;
  readonly total: number;
}

/** What is looked at now. */
export function reviewed(app: App): Reviewed | undefined {
  const queue = reviewQueue(app);
  const position = Math.max(
    0,
    queue.findIndex(({ key }) => key === app.review.current.value),
  );
  const draft = queue[position];
  if (!draft) return undefined;
  const { open } = app.collections;
  const topic = open.value && topicsOf(open.value.collection).find(({ query }) => query.id === draft.queryId);
  return { draft, topic, position, total: queue.length };
}

/** By so many places forward or back, no further than the ends. */
export function moveReview(app: App, by: number): void {
  const at = reviewed(app);
  if (!at) return;
  const queue = reviewQueue(app);
  app.review.editing.value = undefined;
  app.review.current.value = queue[Math.min(queue.length - 1, Math.max(0, at.position + by))]?.key;
}

export function chooseFilter(app: App, filter: ReviewFilter): void {
  app.review.filter.value = filter;
  app.review.editing.value = undefined;
}

export const acceptDraft = (app: App): Promise<void> => decide(app, "accepted");
export const rejectDraft = (app: App): Promise<void> => decide(app, "rejected");

async function decide(app: App, decision: "accepted" | "rejected"): Promise<void> {
  const at = reviewed(app);
  if (!at || !app.writable.value) return;
  const { draft } = at;
  const before = draft.review?.before;
  await store(app, draft, {
    ...draft,
    review: { decision, ...(before && { before }), at: app.deps.now().toISOString() },
  });
}

/** Stores the decision, and looks at the next draft. */
async function store(app: App, before: Draft, after: Draft): Promise<void> {
  const { review, collections } = app;
  const collection = collections.selected.value;
  const queue = reviewQueue(app);
  const at = queue.findIndex(({ key }) => key === before.key);
  const next = queue[at + 1] ?? queue[at - 1];
  await keepDraft(app, collection, after);
  review.undo.value = [...review.undo.value, { collection, draft: before }];
  review.editing.value = undefined;
  review.current.value = next?.key;
}

export function editDraft(app: App): void {
  const at = reviewed(app);
  if (at && app.writable.value) app.review.editing.value = { title: at.draft.title, text: at.draft.text };
}

export function cancelEdit(app: App): void {
  app.review.editing.value = undefined;
}

/** Keeps the changed words: whoever writes them accepts them. */
export async function keepEdit(app: App): Promise<void> {
  const at = reviewed(app);
  const words = app.review.editing.value;
  if (!at || !words || words.text.trim() === "" || !app.writable.value) return;
  const { draft } = at;
  const { title, text } = draft;
  const [newTitle, newText] = [words.title.trim(), words.text.trim()];
  if (newTitle === title && newText === text) return acceptDraft(app);
  const before = draft.review?.before ?? { title, text };
  await store(app, draft, {
    ...draft,
    title: newTitle,
    text: newText,
    review: { decision: "accepted", before, at: app.deps.now().toISOString() },
  });
}

/** Takes the last decision back, and looks at its draft again. */
export async function undoReview(app: App): Promise<void> {
  const { review, collections } = app;
  const last = review.undo.value.findLast(({ collection }) => collection === collections.selected.value);
  if (!last || !app.writable.value) return;
  await keepDraft(app, last.collection, last.draft);
  review.undo.value = review.undo.value.filter((other) => other !== last);
  review.editing.value = undefined;
  review.current.value = last.draft.key;
}

/** How many stand for what: what a person has decided, and what is left to decide. */
export function reviewCounts({ drafts }: App): { accepted: number; rejected: number; open: number } {
  const counts = { accepted: 0, rejected: 0, open: 0 };
  for (const { outcome, review } of drafts.list.value) if (outcome !== "rejected") counts[review?.decision ?? "open"]++;
  return counts;
}
