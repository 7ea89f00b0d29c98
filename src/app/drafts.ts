/** The drafts and verdicts on the selected collection: stored first, then shown. */
import { effect, type Signal, signal } from "@preact/signals";
import type { Collection } from "../domain/collection.ts";
import { type Draft, type FoundVerdict, negativesOf, standing } from "../domain/draft.ts";
import type { CollectionId, QueryId } from "../domain/ids.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { GenerationRecord } from "../storage/schema.ts";
import type { App } from "./app.ts";
import { attempt, removeWithUndo } from "./notices.ts";

export interface DraftsState {
  /** In the order in which they were written. */
  readonly list: Signal<readonly Draft[]>;
  readonly verdicts: Signal<readonly FoundVerdict[]>;
  /** What was last asked for on this collection. */
  readonly asked: Signal<GenerationRecord | undefined>;
  /** Resolves when the drafts of the selected collection are read. */
  loaded: Promise<void>;
}

export function createDrafts(): DraftsState {
  return {
    list: signal<readonly Draft[]>([]),
    verdicts: signal<readonly FoundVerdict[]>([]),
    asked: signal<GenerationRecord | undefined>(undefined),
    loaded: Promise.resolve(),
  };
}

/** Reads what lies under the selected collection, now and whenever another one is selected. */
export function followCollection(app: App): void {
  effect(() => {
    const id = app.collections.selected.value;
    app.drafts.loaded = attempt(app, () => readDrafts(app, id));
  });
}

async function readDrafts(app: App, id: CollectionId): Promise<void> {
  const { store } = app.deps;
  const { list, verdicts, asked } = app.drafts;
  [list.value, verdicts.value, asked.value] = [[], [], undefined];
  const read = await Promise.all([store.listDrafts(id), store.listVerdicts(id), store.readGeneration(id)]);
  if (isSelected(app, id)) [list.value, verdicts.value, asked.value] = read;
}

/** Reads them again: something else than a person changed what is stored. */
export const readWritten = (app: App): Promise<void> => readDrafts(app, app.collections.selected.peek());

const isSelected = (app: App, id: CollectionId): boolean => app.collections.selected.peek() === id;

/** Shown once it is stored, in the place of an earlier one with its key. */
export async function keepDraft(app: App, id: CollectionId, draft: Draft): Promise<void> {
  await app.deps.store.putDraft(id, draft);
  if (!isSelected(app, id)) return;
  const { list } = app.drafts;
  const at = list.value.findIndex(({ key }) => key === draft.key);
  list.value = at < 0 ? [...list.value, draft] : list.value.with(at, draft);
}

/** At once, so that nothing counts them as there any more; bringing them back stores them again. */
export async function removeDrafts(app: App, drafts: readonly Draft[], text: string): Promise<void> {
  const { store } = app.deps;
  const { list } = app.drafts;
  const id = app.collections.selected.value;
  if (!app.writable.value || drafts.length === 0) return;
  const keys = new Set(drafts.map(({ key }) => key));
  await store.removeDrafts(id, [...keys]);
  if (isSelected(app, id)) list.value = list.value.filter(({ key }) => !keys.has(key));
  const restore = async (): Promise<void> => {
    await store.putDrafts(id, drafts);
    if (isSelected(app, id)) list.value = await store.listDrafts(id);
  };
  removeWithUndo(app, {
    text,
    hide: () => undefined,
    bringBack: () => void attempt(app, restore),
    remove: () => Promise.resolve(),
  });
}

export async function keepVerdict(app: App, id: CollectionId, verdict: FoundVerdict): Promise<void> {
  await app.deps.store.putVerdicts(id, [verdict]);
  if (!isSelected(app, id)) return;
  const { verdicts } = app.drafts;
  const others = verdicts.value.filter(
    ({ queryId, documentId }) => queryId !== verdict.queryId || documentId !== verdict.documentId,
  );
  verdicts.value = [...others, verdict];
}

export async function keepAsked(app: App, record: GenerationRecord): Promise<void> {
  await app.deps.store.putGeneration(record);
  if (app.collections.selected.peek() === record.collection) app.drafts.asked.value = record;
}

const passageKey = (queryId: QueryId, { title, text }: Pick<Draft, "title" | "text">): string =>
  JSON.stringify([queryId, title, text]);

/**
 * What came with the collection and is no draft as well. A recorded answer is both: what was decided on the draft holds,
 * and its text stands once.
 */
export function ownNegatives({ negatives }: Collection, drafts: readonly Draft[]): WrittenNegative[] {
  const covered = new Set(
    drafts.flatMap((draft) => {
      const own = passageKey(draft.queryId, draft);
      return draft.review?.before ? [own, passageKey(draft.queryId, draft.review.before)] : [own];
    }),
  );
  return negatives.filter((negative) => !covered.has(passageKey(negative.queryId, negative)));
}

/** What came with the collection and what was written since, as a run trains against it. */
export const writtenNegatives = (collection: Collection, drafts: readonly Draft[]): WrittenNegative[] => [
  ...ownNegatives(collection, drafts),
  ...negativesOf(drafts),
];

/** Drafts that were found to answer their query: more positives for it. */
export function positivesOf(drafts: readonly Draft[]): { readonly queryId: QueryId; readonly text: string }[] {
  return drafts
    .filter((draft) => standing(draft) === "relabel")
    .map(({ queryId, title, text }) => ({ queryId, text: `${title} ${text}`.trim() }));
}
