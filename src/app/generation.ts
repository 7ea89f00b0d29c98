/** Writing decoys: the language model is asked, what it answers is stored, and only then shown. */
import { type Signal, signal } from "@preact/signals";
import { messageOf } from "../base/errors.ts";
import type { Draft } from "../domain/draft.ts";
import type { Generation } from "../domain/generation.ts";
import type { LanguageModel, ModelChoice, ProviderKind } from "../domain/languageModel.ts";
import type { GenerateReport, Synthesis } from "../domain/synthesis.ts";
import type { GenerationRecord, KeptProvider } from "../storage/schema.ts";
import type { App } from "./app.ts";
import { keepAsked, keepDraft } from "./drafts.ts";
import {
  createGenerationForm,
  type GenerationForm,
  providerSettings,
  usePreset,
  withKey,
  withoutKey,
} from "./generationForm.ts";
import { readCollection } from "./collections.ts";
import type { Settings } from "./dependencies.ts";
import { canWork, pauseWork, resumeWork, stopWork, waitFor, type WorkEnd, work } from "./modelWork.ts";
import { tell } from "./notices.ts";
import { similarIn, topicsOf, withFound, type OpenCollection } from "./topics.ts";

/** Of the generation at hand, or of the last one of this visit. */
export interface GenerationProgress {
  readonly collectionName: string;
  /** Recorded answers were looked up, no model was asked. */
  readonly recorded: boolean;
  /** Negatives that are there, and that were asked for. */
  readonly done: number;
  readonly total: number;
  /** Of the drafts that this visit made. */
  readonly accepted: number;
  readonly repaired: number;
  readonly rejected: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tokens of the answers under way: how many in how many seconds. */
  readonly under: { readonly tokens: number; readonly seconds: number } | undefined;
  /** Spent, pauses not counted. */
  readonly seconds: number;
  /** Of `done`, there when this visit began to ask. */
  readonly before: number;
}

export interface GenerationState {
  readonly form: GenerationForm;
  /** Loaded when its view is first opened. */
  readonly synthesis: Signal<Synthesis | undefined>;
  readonly models: Signal<Readonly<Partial<Record<ProviderKind, readonly ModelChoice[]>>>>;
  readonly progress: Signal<GenerationProgress | undefined>;
  readonly session: GenerationSession;
}

interface GenerationSession {
  /** Written, and not stored yet: storing failed. */
  unsaved: Draft[];
  /** Milliseconds; when the last report came or the work went on. */
  reportedAt: number;
}

export function createGeneration(settings: Settings): GenerationState {
  return {
    form: createGenerationForm(settings),
    synthesis: signal<Synthesis | undefined>(undefined),
    models: signal<GenerationState["models"]["value"]>({}),
    progress: signal<GenerationProgress | undefined>(undefined),
    session: { unsaved: [], reportedAt: 0 },
  };
}

/** The preset of a form that nobody has filled yet. */
const firstPreset = "web";

/** Loads what the form shows: presets, the recipe's words. */
export async function openGeneration(app: App): Promise<void> {
  const { synthesis, form } = app.generation;
  const loaded = await app.deps.synthesis();
  synthesis.value = loaded;
  const preset = loaded.presets.find(({ name }) => name === firstPreset) ?? loaded.presets[0];
  const { preset: chosen, domains, levels, lengths } = form.fields.value;
  if (preset && chosen === "" && domains + levels + lengths === "") usePreset(app, preset);
}

/** Which models a provider has, and which of them this device can run. */
export async function listModels(app: App, provider: ProviderKind): Promise<void> {
  const { models } = app.generation;
  if (models.value[provider]) return;
  const synthesis = await app.deps.synthesis();
  const listed = await synthesis.models(provider);
  models.value = { ...models.value, [provider]: listed };
}

/** Whether decoys can be asked for as the form stands. */
export function canGenerate(app: App): boolean {
  const open = app.collections.open.value;
  return (
    canWork(app) &&
    app.generation.form.generation.value !== undefined &&
    providerSettings(app) !== undefined &&
    open?.id === app.collections.selected.value &&
    topicsOf(open.collection).length > 0
  );
}

/** Asks for decoys as the form stands. What is stored already is not asked again. */
export async function startGeneration(app: App): Promise<void> {
  const generation = app.generation.form.generation.value;
  const provider = providerSettings(app);
  if (!generation || !provider || !canGenerate(app)) return;
  await generate(app, { generation, provider: withoutKey(provider) });
}

export const pauseGeneration = pauseWork;

/** Goes on with what waits, or with what an earlier visit left unfinished. */
export async function resumeGeneration(app: App): Promise<void> {
  if (app.work.phase.value !== "idle") return resumeWork(app);
  const asked = app.drafts.asked.value;
  if (asked?.status === "unfinished" && canWork(app)) await generate(app, asked);
}

export async function stopGeneration(app: App): Promise<void> {
  if (app.work.phase.value !== "idle") return stopWork(app);
  const asked = app.drafts.asked.value;
  if (asked?.status === "unfinished" && app.writable.value) await keepAsked(app, { ...asked, status: "stopped" });
}

interface Asked {
  readonly generation: Generation;
  readonly provider: KeptProvider;
}

async function generate(app: App, { generation, provider }: Asked): Promise<void> {
  const { deps, drafts } = app;
  const id = app.collections.selected.value;
  const now = (): string => deps.now().toISOString();
  deps.askToKeep();
  const asked: GenerationRecord = { collection: id, generation, provider, status: "unfinished", updatedAt: now() };
  const collection = await readCollection(app, id);
  await drafts.loaded;
  if (!canWork(app)) return;
  startCounting(app, { collectionName: collection.name, recorded: provider.provider === "recorded" });
  const open = { id, collection };
  const ending = work(app, {
    kind: "generate",
    provider: withKey(app, provider),
    recorded: collection.negatives.filter(({ source }) => source === "synthetic"),
    start: (model, signal) => generating(app, { open, asked, model, signal }),
    receive: (report) => receive(app, open, report),
    goOn: async () => {
      app.generation.session.reportedAt = deps.now().getTime();
      await saveUnsaved(app, open);
    },
  });
  await ended(app, asked, await ending);
}

interface Generating {
  readonly open: OpenCollection;
  readonly asked: GenerationRecord;
  readonly model: LanguageModel;
  readonly signal: AbortSignal;
}

/** Passages that are found for a recipe that edits one. */
const foundDepth = 5;

async function* generating(
  app: App,
  { open, asked, model, signal }: Generating,
): AsyncGenerator<GenerateReport, unknown, void> {
  const { deps, work } = app;
  await keepAsked(app, asked);
  const { generation } = asked;
  const stored = await deps.store.listDrafts(open.id);
  // Where no answer came, an outage is over perhaps: it is asked again.
  const answered = stored.filter(({ notes }) => notes[0]?.flaw !== "noAnswer");
  const known = new Map(answered.map((draft) => [draft.key, draft]));
  const all = topicsOf(open.collection);
  const say = ({ done, total }: { readonly done: number; readonly total: number }): void => {
    work.opening.value = { done, total, words: "Looking for near passages" };
  };
  const topics = generation.recipe === "causalneg" ? await withFound(app, open, all, { depth: foundDepth, say }) : all;
  signal.throwIfAborted();
  const synthesis = await deps.synthesis();
  const { now } = deps;
  return yield* synthesis.generate({
    topics,
    generation,
    model,
    known,
    similar: similarIn(app, open),
    signal,
    now,
  });
}

function startCounting(app: App, about: Pick<GenerationProgress, "collectionName" | "recorded">): void {
  const { progress, session } = app.generation;
  session.unsaved = [];
  session.reportedAt = app.deps.now().getTime();
  progress.value = {
    ...about,
    done: 0,
    total: 0,
    accepted: 0,
    repaired: 0,
    rejected: 0,
    promptTokens: 0,
    completionTokens: 0,
    under: undefined,
    seconds: 0,
    before: -1,
  };
}

async function receive(app: App, open: OpenCollection, report: GenerateReport): Promise<void> {
  const { progress, session } = app.generation;
  const now = app.deps.now().getTime();
  const last = progress.value;
  if (!last) return;
  const counted = { ...last, seconds: last.seconds + (now - session.reportedAt) / 1000 };
  session.reportedAt = now;
  switch (report.kind) {
    case "asking": {
      // From then on what is stored is counted here: a draft that is only written does not count.
      const first = last.before < 0 ? { done: report.done, before: report.done } : {};
      progress.value = { ...counted, ...first, total: report.total };
      return;
    }
    case "tokens":
      progress.value = { ...counted, under: { tokens: report.tokens, seconds: report.seconds } };
      return;
    case "draft":
      progress.value = counted;
      session.unsaved.push(report.draft);
      return saveUnsaved(app, open);
    default:
      return report satisfies never;
  }
}

function countDraft(progress: GenerationProgress, draft: Draft): GenerationProgress {
  const { outcome, promptTokens, completionTokens } = draft;
  return {
    ...progress,
    [outcome]: progress[outcome] + 1,
    done: progress.done + (outcome === "rejected" ? 0 : 1),
    promptTokens: progress.promptTokens + promptTokens,
    completionTokens: progress.completionTokens + completionTokens,
  };
}

/** Stores what waits, in order. Where that fails the work waits too, and nothing written is lost while the page is open. */
async function saveUnsaved(app: App, { id }: OpenCollection): Promise<void> {
  const { progress, session } = app.generation;
  const { unsaved } = session;
  try {
    for (let draft = unsaved[0]; draft; draft = unsaved[0]) {
      await keepDraft(app, id, draft);
      unsaved.shift();
      if (progress.value) progress.value = countDraft(progress.value, draft);
    }
    app.work.problem.value = undefined;
  } catch (error) {
    waitFor(app, messageOf(error));
  }
}

async function ended(app: App, asked: GenerationRecord, end: WorkEnd): Promise<void> {
  const { progress, session } = app.generation;
  if (session.unsaved.length > 0)
    tell(app, {
      kind: "problem",
      text: `Written, but not stored, and now gone: ${session.unsaved.length}. Make room, then start again: only what is missing is asked for.`,
    });
  session.unsaved = [];
  if (progress.value) progress.value = { ...progress.value, under: undefined };
  // What failed may be gone on with once its reason is gone.
  if (end === "failed") return;
  await keepAsked(app, { ...asked, status: end, updatedAt: app.deps.now().toISOString() });
  const { done, total, rejected, collectionName } = progress.value ?? { done: 0, total: 0 };
  if (end === "finished" && total > 0)
    tell(app, {
      kind: "done",
      text: `${done} of ${total} decoys for ${collectionName} are written; ${rejected} answers were rejected. The next run trains against them.`,
    });
}

/** Undefined while nothing is known. */
export interface Pace {
  readonly tokensPerSecond: number | undefined;
  readonly draftsPerMinute: number | undefined;
  readonly secondsLeft: number | undefined;
}

export function paceOf({ done, before, total, under, seconds, completionTokens }: GenerationProgress): Pace {
  const written = done - Math.max(0, before);
  const now = under && under.seconds > 0 ? under.tokens / under.seconds : undefined;
  const mean = seconds > 0 && completionTokens > 0 ? completionTokens / seconds : undefined;
  return {
    tokensPerSecond: now ?? mean,
    draftsPerMinute: seconds > 0 && written > 0 ? (written / seconds) * 60 : undefined,
    secondsLeft: written > 0 ? ((total - done) * seconds) / written : undefined,
  };
}
