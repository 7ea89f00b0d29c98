/** From the store to the entries of a project, one item after another. */
import { isUserError } from "../../base/errors.ts";
import { encoderDigest, sourcesOf } from "../../domain/encoder.ts";
import { collectionId, type CollectionId } from "../../domain/ids.ts";
import type { CollectionRecord, RunRecord } from "../../domain/run.ts";
import { rowEntries, sourceEntries, valueEntries, type Entry } from "./entries.ts";
import type { CollectionPlace, Contents, EncoderPlace, RunPlace, Shipped } from "./format.ts";
import type { Asked, ProjectStore } from "./store.ts";

export interface GatherOptions {
  /** Collections that come with the page: not stored, but what was written for them is. */
  readonly shipped: readonly Shipped[];
  readonly settings: Readonly<Record<string, string>>;
  /** The newest of each run: what a run needs to go on, and most of the file's size. */
  readonly checkpoints: boolean;
  /** Hears of what is damaged in the store and so is not in the file. */
  readonly damaged: (error: Error) => void;
}

type Gathering<Place> = AsyncGenerator<Entry, Place, void>;

const byId = <Item>(items: readonly Item[], idOf: (item: Item) => string): Item[] =>
  items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

/** A key, should one ever come this far, stays here. */
function withoutKey({ provider, ...asked }: Asked): Asked {
  if (provider.provider !== "endpoint") return { ...asked, provider };
  const { url, model, concurrency } = provider;
  return { ...asked, provider: { provider: "endpoint", url, model, concurrency } };
}

async function* gatherContent(
  store: ProjectStore,
  record: CollectionRecord,
  prefix: string,
): Gathering<CollectionPlace["content"]> {
  const { documents, queries, judgements, negatives } = await store.readCollection(record.id);
  // When it was stored is said beside it: a store gives it a new date.
  const { createdAt: _stored, ...rest } = record;
  const place = yield* valueEntries(`${prefix}/record`, rest);
  const splits: NonNullable<CollectionPlace["content"]>["judgements"] = [];
  const paths = {
    documents: yield* rowEntries(`${prefix}/documents`, documents),
    queries: yield* rowEntries(`${prefix}/queries`, queries),
    negatives: yield* rowEntries(`${prefix}/negatives`, negatives),
  };
  for (const [i, [split, rows]] of Object.entries(judgements).entries()) {
    splits.push({ split, parts: yield* rowEntries(`${prefix}/judgements/${i}`, rows) });
  }
  return { record: place, ...paths, judgements: splits };
}

async function* gatherWritten(
  store: ProjectStore,
  id: CollectionId,
  prefix: string,
): Gathering<Pick<CollectionPlace, "drafts" | "verdicts" | "generation">> {
  const asked = await store.readGeneration(id);
  return {
    drafts: yield* rowEntries(`${prefix}/drafts`, await store.listDrafts(id)),
    verdicts: yield* rowEntries(`${prefix}/verdicts`, await store.listVerdicts(id)),
    generation: asked ? yield* valueEntries(`${prefix}/generation`, withoutKey(asked)) : null,
  };
}

async function* gatherEncoder(
  store: ProjectStore,
  { key, name, createdAt }: { readonly key: string; readonly name: string; readonly createdAt: string },
  prefix: string,
): Gathering<EncoderPlace> {
  const folder = await store.readEncoder(key);
  const files: EncoderPlace["files"] = [];
  for (const [i, source] of byId(sourcesOf(folder), ({ name }) => name).entries()) {
    files.push({ path: source.name, parts: yield* sourceEntries(`${prefix}/${i}`, source) });
  }
  return { key, name, createdAt, digest: await encoderDigest(folder), files };
}

/** Record and products first: by these a run is known again. */
export async function* gatherRun(
  store: ProjectStore,
  record: RunRecord,
  prefix: string,
  options: Pick<GatherOptions, "checkpoints" | "damaged">,
): Gathering<RunPlace> {
  const place = yield* valueEntries(`${prefix}/record`, record);
  const products: RunPlace["products"] = [];
  const made = Object.entries(await store.readProducts(record.id, options.damaged));
  for (const [name, value] of byId(made, ([name]) => name)) {
    if (value !== undefined) products.push({ name, value: yield* valueEntries(`${prefix}/${name}`, value) });
  }
  const checkpoint = options.checkpoints ? await store.loadCheckpoint(record.id, options.damaged) : undefined;
  return {
    id: record.id,
    record: place,
    products,
    checkpoint: checkpoint ? yield* valueEntries(`${prefix}/checkpoint`, checkpoint) : null,
  };
}

/** What cannot be read is left out and told; the rest of the project is worth as much as before. */
async function* spared<Place>(work: Gathering<Place>, damaged: GatherOptions["damaged"]): Gathering<Place | undefined> {
  try {
    return yield* work;
  } catch (error) {
    if (!isUserError(error)) throw error;
    damaged(error);
    return undefined;
  }
}

async function* gatherCollections(
  store: ProjectStore,
  { shipped, damaged }: GatherOptions,
): Gathering<CollectionPlace[]> {
  const places: CollectionPlace[] = [];
  const records = byId(await store.listCollections(), ({ id }) => id);
  for (const record of records) {
    const prefix = `collections/${places.length}`;
    const content = yield* spared(gatherContent(store, record, prefix), damaged);
    const { id, createdAt } = record;
    // What was written for a damaged one can go on it again, once it is imported anew from its files.
    places.push({ id, createdAt, content: content ?? null, ...(yield* gatherWritten(store, id, prefix)) });
  }
  for (const { id } of byId(shipped, ({ id }) => id)) {
    const written = yield* gatherWritten(store, collectionId(id), `collections/${places.length}`);
    places.push({ id, createdAt: "", content: null, ...written });
  }
  return places;
}

/** Everything that is stored, by id: the same state gives the same entries. */
export async function* gather(store: ProjectStore, options: GatherOptions): Gathering<Contents> {
  const collections = yield* gatherCollections(store, options);
  const encoders: EncoderPlace[] = [];
  for (const record of byId(await store.listEncoders(), ({ key }) => key)) {
    const place = yield* spared(gatherEncoder(store, record, `encoders/${encoders.length}`), options.damaged);
    if (place) encoders.push(place);
  }
  const runs: RunPlace[] = [];
  for (const record of byId(await store.listRuns(), ({ id }) => id)) {
    runs.push(yield* gatherRun(store, record, `runs/${runs.length}`, options));
  }
  const settings = yield* valueEntries("settings", options.settings);
  return { shipped: [...options.shipped], collections, encoders, runs, settings };
}
