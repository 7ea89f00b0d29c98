/**
 * A project file into the store: all of it or nothing. The file is read twice. First everything is checked, and nothing is
 * written; then what is new is added, each thing whole and under an id that was not there. What was stored is not touched
 * until the last step, one transaction with all drafts and verdicts. If anything fails before, what was added is removed.
 */
import { runId } from "../../domain/ids.ts";
import type { RunRecord } from "../../domain/run.ts";
import type { Progress } from "../../domain/stages.ts";
import { checkSettings } from "./check.ts";
import { UnreadableProject } from "./errors.ts";
import type { EncoderPlace, Shipped } from "./format.ts";
import { note, takeBack, type Added } from "./journal.ts";
import {
  checkIdentity,
  loadCheckpoint,
  loadCollection,
  loadEncoder,
  loadProducts,
  loadRecord,
  loadWritten,
  type ContentDigest,
} from "./load.ts";
import type { Written } from "./merge.ts";
import { openProject, readValue, type OpenZip, type Project } from "./open.ts";
import { planImport, type FullPlace, type Plan, type PlannedRun } from "./plan.ts";
import type { Journal, ProjectStore } from "./store.ts";

export interface ProjectImport {
  /** Of the file, for messages. */
  readonly name: string;
  readonly blob: Blob;
  readonly store: ProjectStore;
  readonly openZip: OpenZip;
  readonly contentDigest: ContentDigest;
  /** Collections that come with this page. */
  readonly shipped?: readonly Shipped[];
  /** Where it is given, an import that ends with its tab is undone at the next visit. */
  readonly journal?: Journal;
}

export interface ImportedProject extends Pick<Plan, "drafts" | "verdicts" | "notes"> {
  /** Added, and how many were there already. */
  readonly collections: Share;
  readonly encoders: Share;
  /** `renamed`: of those that were added, those under another id, since a different run has theirs. */
  readonly runs: Share & { readonly renamed: number };
  /** Foreign texts by foreign keys: the page takes those that it knows. */
  readonly settings: Readonly<Record<string, string>>;
}

interface Share {
  readonly added: number;
  readonly there: number;
}

type Work<Output> = AsyncGenerator<Progress, Output, void>;

/** Of both readings. */
const progressOf = ({ done, total }: Project): Progress => ({
  done: Math.min(done(), 2 * total),
  total: 2 * total,
  unit: "bytes",
});

interface Checked {
  readonly written: ReadonlyMap<string, Written>;
  readonly settings: Readonly<Record<string, string>>;
}

/** Reads everything once, one thing at a time. Errors: UnreadableProject. */
async function* checkAll(project: Project, contentDigest: ContentDigest): Work<Checked> {
  const { collections, encoders, runs, settings } = project.manifest;
  const written = new Map<string, Written>();
  for (const place of collections) {
    const { id, content } = place;
    if (written.has(id)) throw twice("collection", id);
    if (content) await checkIdentity(await loadCollection(project, content), id, contentDigest);
    written.set(id, await loadWritten(project, place));
    yield progressOf(project);
  }
  checkDistinct(
    "encoder",
    encoders.map(({ key }) => key),
  );
  for (const place of encoders) {
    await loadEncoder(project, place);
    yield progressOf(project);
  }
  checkDistinct(
    "run",
    runs.map(({ id }) => id),
  );
  for (const place of runs) {
    await loadRecord(project, place);
    for await (const _ of loadProducts(project, place)) yield progressOf(project);
    await loadCheckpoint(project, place);
    yield progressOf(project);
  }
  return { written, settings: checkSettings(await readValue(project, settings)) };
}

const twice = (what: string, id: string): UnreadableProject =>
  new UnreadableProject(
    `This project file has the ${what} ${id.slice(0, 40)} twice. Nothing was stored. Export it again.`,
  );

function checkDistinct(what: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) throw twice(what, id);
    seen.add(id);
  }
}

/** A date that is none is as good as no date: the import's own then stands. */
const dateOf = (given: string): string | undefined => {
  const date = new Date(given);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
};

async function* addCollection(project: Project, { content, createdAt }: FullPlace, store: ProjectStore): Work<void> {
  const { record, collection } = await loadCollection(project, content);
  const { id: _id, name: _name, rejectedRows, ...summary } = record;
  const writing = store.writeCollection({ collection, summary }, rejectedRows, dateOf(createdAt));
  for await (const _ of writing) yield progressOf(project);
}

/** Returns the key under which it is stored: another store may give another. */
async function addEncoder(project: Project, place: EncoderPlace, store: ProjectStore): Promise<string> {
  const { key } = await store.putEncoder(await loadEncoder(project, place), dateOf(place.createdAt));
  return key;
}

/** The record last: without it nobody sees the rest. */
async function* addRun(
  project: Project,
  { place, id }: PlannedRun,
  store: ProjectStore,
  keyOf: (encoder: string) => string,
): Work<void> {
  const loaded = await loadRecord(project, place);
  const own = runId(id);
  for await (const product of loadProducts(project, place)) {
    await store.putProduct(own, product);
    yield progressOf(project);
  }
  const checkpoint = await loadCheckpoint(project, place);
  if (checkpoint) await store.saveCheckpoint(own, checkpoint);
  const record: RunRecord = {
    ...loaded,
    id: own,
    name: id === place.id ? loaded.name : `${loaded.name} (imported)`,
    encoder: keyOf(loaded.encoder),
    ...(loaded.guide !== undefined && { guide: keyOf(loaded.guide) }),
  };
  await store.putRun(record);
}

async function* addAll(project: Project, plan: Plan, input: ProjectImport, added: Added): Work<void> {
  const { store, journal } = input;
  for (const place of plan.collections) yield* addCollection(project, place, store);
  const before = new Set((await store.listEncoders()).map(({ key }) => key));
  const keys = new Map<string, string>();
  for (const place of plan.encoders) {
    const key = await addEncoder(project, place, store);
    keys.set(place.key, key);
    if (key !== place.key && !before.has(key)) added.encoders.push(key);
    note(journal, added);
    yield progressOf(project);
  }
  for (const run of plan.runs) {
    yield* addRun(project, run, store, (key) => keys.get(key) ?? key);
    yield progressOf(project);
  }
}

function outcomeOf({ manifest }: Project, plan: Plan, settings: Checked["settings"]): ImportedProject {
  const full = manifest.collections.filter(({ content }) => content !== null);
  const share = (all: readonly unknown[], added: readonly unknown[]): Share => ({
    added: added.length,
    there: all.length - added.length,
  });
  const { drafts, verdicts, notes } = plan;
  return {
    collections: share(full, plan.collections),
    encoders: share(manifest.encoders, plan.encoders),
    runs: { ...share(manifest.runs, plan.runs), renamed: plan.runs.filter(({ place, id }) => id !== place.id).length },
    drafts,
    verdicts,
    notes,
    settings,
  };
}

/**
 * Stopping it takes back what was added. Nothing else may write meanwhile. Errors: UnreadableProject, NewerProject, and
 * what the store refuses (StorageFull …): after each of them the store is as it was; HalfImported where it could not be.
 */
export async function* importProject(input: ProjectImport): Work<ImportedProject> {
  const { store, journal, shipped = [] } = input;
  const project = await openProject(input.name, input.blob, input.openZip);
  const { written, settings } = yield* checkAll(project, input.contentDigest);
  const plan = await planImport(store, { manifest: project.manifest, written, shipped });
  const added: Added = {
    collections: plan.collections.map(({ id }) => id),
    encoders: plan.encoders.map(({ key }) => key),
    runs: plan.runs.map(({ id }) => id),
  };
  note(journal, added);
  let finished = false;
  try {
    yield* addAll(project, plan, input, added);
    await store.putWritten(plan.changes);
    finished = true;
    note(journal, undefined);
  } finally {
    if (!finished) await takeBack(store, added, journal);
  }
  yield { ...progressOf(project), done: 2 * project.total };
  return outcomeOf(project, plan, settings);
}
