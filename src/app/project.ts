/** Everything in one file: saved to be kept or moved, and opened again. While it goes on nothing else is written. */
import { type Signal, signal } from "@preact/signals";
import type { Progress } from "../domain/stages.ts";
import type { DataFile } from "../export/files/file.ts";
import type { ImportedProject } from "../export/project/restore.ts";
import { journalKey } from "../export/project/store.ts";
import type { App } from "./app.ts";
import { builtInId, previewFiles } from "./collections.ts";
import type { PickedFile } from "./dependencies.ts";
import { readWritten } from "./drafts.ts";
import { keepKnownEncoder, storedEncoders } from "./encoders.ts";
import { settleRemovals, tell, tellError } from "./notices.ts";
import { recipeKey, takeRecipe } from "./recipe.ts";

export type { ImportedProject };

/** Of package.json; a test holds them together. */
export const appVersion = "0.1.0";

export interface ProjectState {
  readonly work: Signal<{ readonly kind: "saving" | "opening"; readonly progress: Progress | undefined } | undefined>;
  /** What the last opened project brought. */
  readonly opened: Signal<ImportedProject | undefined>;
  /** Whether a file shall hold what a run needs to go on. */
  readonly checkpoints: Signal<boolean>;
  stopped: boolean;
}

export const createProject = (): ProjectState => ({
  work: signal<ProjectState["work"]["value"]>(undefined),
  opened: signal<ImportedProject | undefined>(undefined),
  checkpoints: signal(true),
  stopped: false,
});

/** False while something else writes, or where another tab may. */
export function projectsAllowed({ run, work, collections, task, writable }: App): boolean {
  // A run of an earlier visit that waits writes nothing.
  const waits = run.phase.value === "paused" && run.session.generator === undefined;
  const storing = collections.draft.value?.state === "storing";
  const idle = (run.phase.value === "idle" || waits) && work.phase.value === "idle";
  return writable.value && idle && !storing && task.value === undefined;
}

const shippedWith = ({ collections }: App) =>
  collections.list.value.filter(({ id }) => id === builtInId).map(({ id, digest }) => ({ id, digest }));

export function stopProject({ project }: App): void {
  project.stopped = true;
}

/** Nothing else may write meanwhile; what waits to be removed for good is removed before. */
async function alone(app: App, kind: "saving" | "opening", act: () => Promise<void>): Promise<void> {
  const { project } = app;
  if (!app.projectsAllowed.value) return;
  project.stopped = false;
  project.work.value = { kind, progress: undefined };
  try {
    await settleRemovals(app);
    await act();
  } finally {
    project.work.value = undefined;
  }
}

export async function saveProject(app: App): Promise<void> {
  const { deps, project } = app;
  await alone(app, "saving", async () => {
    const [{ projectFile }, { toBlob }] = await Promise.all([
      import("../export/project/write.ts"),
      import("../export/files/file.ts"),
    ]);
    const recipe = deps.settings.getItem(recipeKey);
    const file = projectFile({
      store: deps.store,
      app: appVersion,
      now: deps.now,
      shipped: shippedWith(app),
      settings: recipe === null ? {} : { [recipeKey]: recipe },
      checkpoints: project.checkpoints.value,
      damaged: (error) => tellError(app, error),
    });
    const blob = await toBlob(counted(app, file));
    if (!project.stopped) deps.download(blob, file.name);
  });
}

/** The same chunks, counted, until somebody stops it. */
function counted({ project }: App, file: DataFile): Pick<DataFile, "type" | "chunks"> {
  async function* chunks() {
    let done = 0;
    for await (const chunk of file.chunks()) {
      if (project.stopped) return;
      done += chunk.length;
      // How much it will be is not known before its end.
      project.work.value = { kind: "saving", progress: { done, total: 0, unit: "bytes" } };
      yield chunk;
    }
  }
  return { type: file.type, chunks };
}

/** Adds what is new; what is here stays. Errors: those of src/export/project/restore.ts. */
export async function openProject(app: App, { path, blob }: PickedFile): Promise<void> {
  const { deps, project } = app;
  await alone(app, "opening", async () => {
    project.opened.value = undefined;
    deps.askToKeep();
    const [{ importProject }, { openZip }, { summarise }] = await Promise.all([
      import("../export/project/restore.ts"),
      import("../data/zip.ts"),
      import("../data/summary.ts"),
    ]);
    const work = importProject({
      name: path,
      blob,
      store: deps.store,
      openZip,
      contentDigest: (collection) => summarise(collection, "", 0).digest,
      shipped: shippedWith(app),
      // Without storage there is nothing that a closed page could leave half-done.
      ...(deps.noted && { journal: deps.settings }),
    });
    project.opened.value = await untilStopped(app, work);
    await showStored(app);
    if (project.opened.value) takeSettings(app, project.opened.value);
  });
}

/** Leaving the loop is what stops the import: it takes back what it had added. */
async function untilStopped(
  { project }: App,
  work: AsyncGenerator<Progress, ImportedProject, void>,
): Promise<ImportedProject | undefined> {
  let outcome: ImportedProject | undefined;
  async function* all() {
    outcome = yield* work;
  }
  for await (const progress of all()) {
    if (project.stopped) return undefined;
    project.work.value = { kind: "opening", progress };
  }
  return outcome;
}

/** Lists anew what is stored. */
async function showStored(app: App): Promise<void> {
  const { store } = app.deps;
  const [collections, encoders, runs] = await Promise.all([
    store.listCollections(),
    storedEncoders(app),
    store.listRuns(),
  ]);
  const { list } = app.collections;
  list.value = [...list.value.filter(({ id }) => id === builtInId), ...collections];
  app.encoders.value = encoders;
  app.runs.value = runs;
  await readWritten(app);
}

/** Foreign texts: the recipe alone is taken, and only where there is none here. Where a language model runs, nobody else decides. */
function takeSettings(app: App, { settings }: ImportedProject): void {
  const recipe = settings[recipeKey];
  if (recipe === undefined || app.deps.settings.getItem(recipeKey) !== null) return;
  takeRecipe(app, recipe);
  keepKnownEncoder(app);
}

/** A project, or files of a collection. */
export async function bringFiles(app: App, files: readonly PickedFile[]): Promise<void> {
  const [first, second] = files;
  if (first && !second && (await looksLikeProject(first))) return openProject(app, first);
  return previewFiles(app, files);
}

async function looksLikeProject({ path, blob }: PickedFile): Promise<boolean> {
  const start = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (start[0] !== 0x50 || start[1] !== 0x4b) return false;
  const [{ isProject }, { openZip }] = await Promise.all([
    import("../export/project/open.ts"),
    import("../data/zip.ts"),
  ]);
  return isProject(path, blob, openZip);
}

/** Takes back what an import added that ended with its page. Before anything is listed. */
export async function undoCutShort(app: App): Promise<void> {
  const { deps } = app;
  const noted = deps.noted && deps.writer && (deps.settings.getItem(journalKey) ?? "") !== "";
  if (!noted) return;
  const { undoInterruptedImport } = await import("../export/project/journal.ts");
  if (!(await undoInterruptedImport(deps.store, deps.settings))) return;
  tell(app, {
    kind: "done",
    text: "A project was being opened when the page closed. What it had added was taken back; open it again.",
  });
}
