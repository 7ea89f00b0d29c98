/** Collections: the built-in one, those that a person brought, and what is being read right now. */
import { type Signal, signal } from "@preact/signals";
import { present } from "../base/assert.ts";
import { finish } from "../base/channel.ts";
import { UserError } from "../base/errors.ts";
import type { Collection, RejectedRow } from "../domain/collection.ts";
import { type CollectionId, collectionId } from "../domain/ids.ts";
import type { Column, Mapping, TablePreview } from "../domain/mapping.ts";
import type { CollectionRecord } from "../domain/run.ts";
import type { ImportReport, ImportResult, Progress } from "../domain/stages.ts";
import type { App } from "./app.ts";
import { showOwnRows } from "./decoys.ts";
import type { PickedFile } from "./dependencies.ts";
import { attempt, removeWithUndo, tell } from "./notices.ts";
import { builtIn, builtInCollectionFiles } from "./shipped.ts";

/** A run points at a collection that was removed. */
export class MissingCollection extends UserError {
  override readonly name = "MissingCollection";
}

/** A table whose columns a person explains. */
export interface TableDraft {
  readonly files: readonly PickedFile[];
  readonly preview: TablePreview;
  /** As they are explained so far. */
  readonly columns: readonly Column[];
}

/** What a person brought, before it is a collection. */
export type Draft =
  | { readonly state: "reading"; readonly progress: Progress | undefined; readonly rejected: number }
  | ({ readonly state: "mapping" } & TableDraft)
  | {
      readonly state: "read";
      readonly result: ImportResult;
      readonly rejectedRows: readonly RejectedRow[];
      /** What was read, where its columns can be explained. */
      readonly table: TableDraft | undefined;
    }
  | { readonly state: "storing"; readonly progress: Progress | undefined; readonly result: ImportResult };

export interface CollectionsState {
  /** The built-in one first. */
  readonly list: Signal<readonly CollectionRecord[]>;
  readonly selected: Signal<CollectionId>;
  /** The selected one, once read. */
  readonly open: Signal<{ readonly id: CollectionId; readonly collection: Collection } | undefined>;
  readonly draft: Signal<Draft | undefined>;
  /** Counts readings, so that what a dropped one still reports is ignored. */
  readings: number;
  builtIn: Promise<Collection> | undefined;
}

export const builtInId = collectionId(builtIn);

export function createCollections(): CollectionsState {
  return {
    list: signal<readonly CollectionRecord[]>([]),
    selected: signal(builtInId),
    open: signal<CollectionsState["open"]["value"]>(undefined),
    draft: signal<Draft | undefined>(undefined),
    readings: 0,
    builtIn: undefined,
  };
}

/** Reads the built-in collection, which is never stored: it comes with the page. */
export async function openCollections(app: App): Promise<void> {
  const { deps } = app;
  const { interruptedImports: left } = deps.store;
  if (left > 0)
    tell(app, {
      kind: "done",
      text: `${left} ${left === 1 ? "import was" : "imports were"} cut short by a closed page and removed. Bring the files again.`,
    });
  await attempt(app, async () => {
    await builtInCollection(app);
    await selectCollection(app, lastSelected(app));
  });
}

const key = "decoy.collection";

/** The collection of the last visit, if it is still there: what was left unfinished on it is offered again. */
function lastSelected({ collections, deps }: App): CollectionId {
  const kept = deps.settings.getItem(key);
  return collections.list.value.find(({ id }) => id === kept)?.id ?? collections.selected.value;
}

function builtInCollection(app: App): Promise<Collection> {
  app.collections.builtIn ??= readBuiltIn(app);
  return app.collections.builtIn;
}

async function readBuiltIn(app: App): Promise<Collection> {
  const files = await builtInCollectionFiles(app.deps.shipped);
  const { result, rejectedRows } = await readFiles(app, { files }, () => undefined);
  const record = recordOf(result, rejectedRows);
  app.collections.list.value = [record, ...app.collections.list.value];
  return result.collection;
}

function recordOf({ summary, collection }: ImportResult, rejectedRows: readonly RejectedRow[]): CollectionRecord {
  return { ...summary, id: builtInId, name: collection.name, createdAt: "", rejectedRows };
}

async function readFiles(
  app: App,
  { files, mapping }: { readonly files: readonly PickedFile[]; readonly mapping?: Mapping },
  report: (progress: Progress | undefined, rejected: number) => void,
): Promise<{ result: ImportResult; rejectedRows: readonly RejectedRow[] }> {
  const rejectedRows: RejectedRow[] = [];
  let progress: Progress | undefined;
  const result = await finish(app.deps.reader.read({ files, ...(mapping && { mapping }) }), (news: ImportReport) => {
    if (news.kind === "progress") progress = news.progress;
    else rejectedRows.push(...news.rows);
    report(progress, rejectedRows.length);
  });
  return { result, rejectedRows };
}

/** Begins to read; the returned function tells whether it still counts. */
function begin({ collections }: App): () => boolean {
  const reading = ++collections.readings;
  collections.draft.value = { state: "reading", progress: undefined, rejected: 0 };
  return () => reading === collections.readings;
}

/** Reads what was dropped or picked and shows it before anything is stored; a table with names of its own is to be explained first. */
export async function previewFiles(app: App, files: readonly PickedFile[]): Promise<void> {
  const { collections, deps } = app;
  if (files.length === 0) return;
  const current = begin(app);
  try {
    const preview = await finish(deps.reader.preview({ files }));
    const table = preview && { files, preview, columns: preview.columns };
    if (!current()) return;
    if (table && !table.preview.recognised) collections.draft.value = { state: "mapping", ...table };
    else await readDraft(app, { files }, { table, current });
  } catch (error) {
    if (!current()) return;
    collections.draft.value = undefined;
    throw error;
  }
}

interface Reading {
  readonly table: TableDraft | undefined;
  readonly current: () => boolean;
}

async function readDraft(app: App, input: Parameters<typeof readFiles>[1], { table, current }: Reading): Promise<void> {
  const { draft } = app.collections;
  const read = await readFiles(app, input, (progress, rejected) => {
    if (current()) draft.value = { state: "reading", progress, rejected };
  });
  if (current()) draft.value = { state: "read", ...read, table };
}

/** Reads the table as its columns are explained. Where that cannot be, they are to be explained anew. */
export async function readMapped(app: App): Promise<void> {
  const { draft } = app.collections;
  if (draft.value?.state !== "mapping") return;
  const { files, preview, columns } = draft.value;
  const table: TableDraft = { files, preview, columns };
  const current = begin(app);
  try {
    await readDraft(app, { files, mapping: { columns, form: preview.form } }, { table, current });
  } catch (error) {
    if (!current()) return;
    draft.value = { state: "mapping", ...table };
    throw error;
  }
}

export function discardDraft(app: App): void {
  app.collections.readings++;
  app.collections.draft.value = undefined;
}

/** Stores what the preview shows, and makes it the selected collection. */
export async function useDraft(app: App): Promise<void> {
  const { collections, deps } = app;
  const draft = collections.draft.value;
  if (draft?.state !== "read" || !app.writable.value) return;
  const { result, rejectedRows } = draft;
  deps.askToKeep();
  collections.draft.value = { state: "storing", progress: undefined, result };
  try {
    const record = await finish(deps.store.writeCollection(result, rejectedRows), (progress: Progress) => {
      collections.draft.value = { state: "storing", progress, result };
    });
    collections.draft.value = undefined;
    const others = collections.list.value.filter(({ id }) => id !== record.id);
    collections.list.value = [...others, record];
    collections.open.value = { id: record.id, collection: result.collection };
    collections.selected.value = record.id;
    deps.settings.setItem(key, record.id);
    showOwnRows(app);
  } catch (error) {
    collections.draft.value = draft;
    throw error;
  }
}

export async function selectCollection(app: App, id: CollectionId): Promise<void> {
  const { collections, deps } = app;
  collections.selected.value = id;
  deps.settings.setItem(key, id);
  showOwnRows(app);
  if (collections.open.value?.id === id) return;
  const collection = await readCollection(app, id);
  if (collections.selected.value === id) collections.open.value = { id, collection };
}

/** Errors: MissingCollection. */
export async function readCollection(app: App, id: CollectionId): Promise<Collection> {
  const { collections, deps } = app;
  if (id === builtInId) return builtInCollection(app);
  if (collections.open.value?.id === id) return collections.open.value.collection;
  if (!collections.list.value.some((record) => record.id === id))
    throw new MissingCollection("The collection of this run was removed. Import it again to search it or go on.");
  return deps.store.readCollection(id);
}

export function removeCollection(app: App, record: CollectionRecord): void {
  const { collections, deps } = app;
  if (record.id === builtInId || !app.writable.value) return;
  const before = collections.list.value;
  removeWithUndo(app, {
    text: `Removed the collection ${record.name}.`,
    hide: () => {
      collections.list.value = before.filter(({ id }) => id !== record.id);
      if (collections.selected.value === record.id) void attempt(app, () => selectCollection(app, builtInId));
    },
    bringBack: () => (collections.list.value = [...collections.list.value, record]),
    remove: () => deps.store.removeCollection(record.id),
  });
}

/** Undefined while the list is being read. */
export const selectedRecord = ({ list, selected }: CollectionsState): CollectionRecord | undefined =>
  list.value.find(({ id }) => id === selected.value);

export const selectedCollection = (app: App): CollectionRecord =>
  present(selectedRecord(app.collections), "the selected collection");

/** Rejected rows as JSON lines, to be corrected and brought again. */
export function downloadRejected(app: App, rows: readonly RejectedRow[], name: string): void {
  const lines = rows.map((row) => JSON.stringify(row)).join("\n");
  app.deps.download(new Blob([`${lines}\n`], { type: "application/jsonl" }), `${name}-rejected.jsonl`);
}
