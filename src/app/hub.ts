/** Fetching encoders from the Hugging Face hub. Nothing is asked of it before a person wants one. */
import { type Signal, signal } from "@preact/signals";
import { present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import type { HubProgress } from "../hub/download.ts";
import type { HubEncoder, Unfinished } from "../hub/kept.ts";
import type { Preset } from "../hub/presets.ts";
import type { App } from "./app.ts";
import { chooseEncoder, storedEncoders, tryEncoder } from "./encoders.ts";
import { hubKey, shortCommit } from "./hubKept.ts";
import { settleRemovals, tell } from "./notices.ts";
import type { PresetMemory } from "./presetMemory.ts";

export type { Preset };

/** Less room than the encoder takes. */
class NoRoom extends UserError {
  override readonly name = "StorageFull";
}

export interface Wanted {
  /** "intfloat/e5-base-v2" */
  readonly id: string;
  /** A branch, tag or commit; the preset's own, or main, where left out. */
  readonly revision?: string;
}

export interface HubDownload {
  readonly id: string;
  /** Undefined until the list of files is here. */
  readonly progress: HubProgress | undefined;
  readonly stop: () => void;
  /** Milliseconds, and bytes that were there: the time left is told from what came since. */
  readonly since: { readonly at: number; readonly loaded: number } | undefined;
}

export interface HubState {
  /** None until they are looked at. */
  readonly presets: Signal<readonly Preset[]>;
  readonly unfinished: Signal<readonly Unfinished[]>;
  /** By the preset's id, for the recipe as it was when they were looked at. */
  readonly memory: Signal<ReadonlyMap<string, PresetMemory>>;
  readonly download: Signal<HubDownload | undefined>;
}

export const createHub = (): HubState => ({
  presets: signal<readonly Preset[]>([]),
  unfinished: signal<readonly Unfinished[]>([]),
  memory: signal<HubState["memory"]["value"]>(new Map()),
  download: signal<HubDownload | undefined>(undefined),
});

/** Lists what may be fetched, and what was cut short. */
export async function lookAtHub(app: App): Promise<void> {
  const hub = await app.deps.hub();
  app.hub.presets.value = hub.presets;
  await listUnfinished(app);
}

async function listUnfinished(app: App): Promise<void> {
  app.hub.unfinished.value = await (await app.deps.hub()).unfinished();
}

/** Seconds until the download is done, by its pace so far. */
export function downloadLeft({ progress, since }: HubDownload, now: number): number | undefined {
  if (!progress || !since || progress.loaded <= since.loaded) return undefined;
  return ((progress.total - progress.loaded) * (now - since.at)) / 1000 / (progress.loaded - since.loaded);
}

/** Fetches an encoder, opens it once, and makes it the one that the next run starts from. What came before a stop is kept. */
export async function fetchEncoder(app: App, wanted: Wanted): Promise<void> {
  const { download } = app.hub;
  if (!app.writable.value || download.value) return;
  await settleRemovals(app);
  app.deps.askToKeep();
  const stopping = new AbortController();
  download.value = { id: wanted.id, progress: undefined, since: undefined, stop: () => stopping.abort() };
  try {
    const encoder = await fetched(app, wanted, stopping.signal);
    app.encoders.value = await storedEncoders(app);
    await use(app, encoder);
  } catch (error) {
    // A stop breaks the connection, which is no news to who asked for it.
    if (!stopping.signal.aborted) throw error;
  } finally {
    download.value = undefined;
    await listUnfinished(app);
  }
}

async function fetched(app: App, { id, revision }: Wanted, signal: AbortSignal): Promise<HubEncoder> {
  const { download } = app.hub;
  const hub = await app.deps.hub();
  let encoder: HubEncoder | undefined;
  async function* all() {
    encoder = yield* hub.fetch({ id, revision, signal });
  }
  for await (const progress of all()) {
    signal.throwIfAborted();
    const shown = present(download.value, "the download");
    if (!shown.progress) await checkRoom(app, progress);
    const since = shown.since ?? { at: app.deps.now().getTime(), loaded: progress.loaded };
    download.value = { ...shown, progress, since };
  }
  return present(encoder, "the encoder");
}

/** Before most of it is fetched; what a browser says of its room is an estimate. */
async function checkRoom(app: App, { loaded, total }: HubProgress): Promise<void> {
  const room = await app.deps.room();
  if (room === undefined || total - loaded <= room) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
  throw new NoRoom(
    `There is not enough room for this encoder: it needs ${megabytes(total - loaded)} more, and this browser has ${megabytes(room)} left for this page. Remove an encoder, a run or a collection, then download it again.`,
  );
}

async function use(app: App, encoder: HubEncoder): Promise<void> {
  const size = await tryEncoder(app, await (await app.deps.hub()).files(encoder));
  await chooseEncoder(app, hubKey(encoder));
  const at = `revision ${shortCommit(encoder.revision)}`;
  tell(app, { kind: "done", text: `${encoder.id}, ${at}, is here: ${size}. The next run starts from it.` });
}

/** Throws away what came of a download that was cut short. */
export async function removeUnfinished(app: App, part: Unfinished): Promise<void> {
  if (!app.writable.value || app.hub.download.value) return;
  await (await app.deps.hub()).remove(part);
  await listUnfinished(app);
}
