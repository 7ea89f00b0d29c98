/** What of a project is new here, decided before anything is written. */
import { digestOfTexts } from "../../base/digest.ts";
import { collectionId } from "../../domain/ids.ts";
import type { RunRecord } from "../../domain/run.ts";
import {
  ownPaths,
  type CollectionPlace,
  type EncoderPlace,
  type Manifest,
  type RunPlace,
  type Shipped,
} from "./format.ts";
import { gatherRun } from "./gather.ts";
import { addTallies, mergeWritten, noTally, type Tally, type Written } from "./merge.ts";
import { sha256 } from "./sha256.ts";
import type { ProjectStore, WrittenChanges } from "./store.ts";

/** A collection with its rows. */
export type FullPlace = CollectionPlace & { readonly content: NonNullable<CollectionPlace["content"]> };

export interface PlannedRun {
  readonly place: RunPlace;
  /** Its own, or another where a different run has that. */
  readonly id: string;
}

export interface Plan {
  /** In the order in which they were stored where they come from. */
  readonly collections: readonly FullPlace[];
  readonly encoders: readonly EncoderPlace[];
  readonly runs: readonly PlannedRun[];
  readonly changes: readonly WrittenChanges[];
  readonly drafts: Tally;
  readonly verdicts: Tally;
  /** What a person should know, in sentences. */
  readonly notes: readonly string[];
}

interface Brought {
  readonly manifest: Manifest;
  /** By collection. */
  readonly written: ReadonlyMap<string, Written>;
  readonly shipped: readonly Shipped[];
}

const isFull = (place: CollectionPlace): place is FullPlace => place.content !== null;

async function storedWritten(store: ProjectStore, id: string): Promise<Written> {
  const collection = collectionId(id);
  return {
    drafts: await store.listDrafts(collection),
    verdicts: await store.listVerdicts(collection),
    generation: await store.readGeneration(collection),
  };
}

const isEmpty = ({ drafts, verdicts, generation }: Written): boolean =>
  drafts.length + verdicts.length === 0 && generation === undefined;

interface PlannedCollections extends Pick<Plan, "collections" | "changes" | "drafts" | "verdicts" | "notes"> {}

async function planCollections(store: ProjectStore, brought: Brought): Promise<PlannedCollections> {
  const there = new Set<string>((await store.listCollections()).map(({ id }) => id));
  const shipped = new Map(brought.shipped.map(({ id, digest }) => [id, digest]));
  const fromPage = new Map(brought.manifest.shipped.map(({ id, digest }) => [id, digest]));
  const collections: FullPlace[] = [];
  const changes: WrittenChanges[] = [];
  const notes: string[] = [];
  let [drafts, verdicts] = [noTally, noTally];
  for (const place of brought.manifest.collections.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))) {
    const { id } = place;
    const own = brought.written.get(id);
    const stored = await storedWritten(store, id);
    if (!there.has(id) && !shipped.has(id)) {
      // What lies under a collection that is not listed is that of a damaged one: to take back would remove it.
      const taken = isFull(place) && isEmpty(stored);
      if (taken) collections.push(place);
      else notes.push(leftOut(place));
      if (!taken) continue;
    }
    if (shipped.has(id) && shipped.get(id) !== fromPage.get(id)) notes.push(otherEdition);
    if (!own) continue;
    const merged = mergeWritten(collectionId(id), stored, own);
    if (merged.changes) changes.push(merged.changes);
    drafts = addTallies(drafts, merged.drafts);
    verdicts = addTallies(verdicts, merged.verdicts);
  }
  return { collections, changes, drafts, verdicts, notes };
}

const otherEdition =
  "The collection that comes with this page is another than the one that these decoys were written for; those of queries that it does not have are kept and not used.";

const leftOut = ({ id, content }: CollectionPlace): string =>
  content
    ? `A collection was not taken (${id.slice(0, 12)}): the same one is stored here and damaged. Remove that one first.`
    : `Decoys were not taken: the collection that they belong to (${id.slice(0, 12)}) is neither in the file nor here. Import it, then this file again.`;

/** What tells this run from others of its id: digests of its record and products, as they stand in the manifest. */
function broughtDigest(place: RunPlace, digests: ReadonlyMap<string, string>): string {
  return digestOfTexts(ownPaths(place).map((path) => digests.get(path) ?? ""));
}

/** The same of a stored run. */
async function storedDigest(store: ProjectStore, record: RunRecord): Promise<string> {
  const digests: string[] = [];
  const options = { checkpoints: false, damaged: () => undefined };
  for await (const { bytes } of gatherRun(store, record, "run", options)) digests.push(await sha256(bytes));
  return digestOfTexts(digests);
}

async function planRuns(store: ProjectStore, manifest: Manifest): Promise<PlannedRun[]> {
  const there = new Map<string, RunRecord>((await store.listRuns()).map((record) => [record.id, record]));
  const digests = new Map(manifest.entries.map(({ path, sha256 }) => [path, sha256]));
  const runs: PlannedRun[] = [];
  for (const place of manifest.runs) {
    const known = there.get(place.id);
    const digest = broughtDigest(place, digests);
    if (!known) runs.push({ place, id: place.id });
    else if ((await storedDigest(store, known)) !== digest) {
      // The same every time, so that a second import finds it there.
      const id = `${place.id}~${digest.slice(0, 16)}`;
      if (!there.has(id)) runs.push({ place, id });
    }
  }
  return runs;
}

/**
 * Collections and encoders of one content are one. A run of a stored one's id is the same where record and products are;
 * otherwise both stay, the brought one under an id of its own. Drafts and verdicts: {@link mergeWritten}.
 */
export async function planImport(store: ProjectStore, brought: Brought): Promise<Plan> {
  const encoders = new Set((await store.listEncoders()).map(({ key }) => key));
  return {
    ...(await planCollections(store, brought)),
    encoders: brought.manifest.encoders.filter(({ key }) => !encoders.has(key)),
    runs: await planRuns(store, brought.manifest),
  };
}
