/** A second look by the language model: does a decoy answer its query after all? And naming the domains of a collection. */
import { type Signal, signal } from "@preact/signals";
import { present } from "../base/assert.ts";
import { random, shuffled } from "../base/random.ts";
import type { Document } from "../domain/collection.ts";
import { type Draft, standing, type Verdict } from "../domain/draft.ts";
import type { ProviderSettings } from "../domain/languageModel.ts";
import type { JudgeInput, JudgeReport, Topic } from "../domain/synthesis.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import { keepDraft, keepVerdict } from "./drafts.ts";
import { providerSettings, setGenerationFields } from "./generationForm.ts";
import { canWork, work, type Work } from "./modelWork.ts";
import { tell } from "./notices.ts";
import { type OpenCollection, topicsOf, withFound } from "./topics.ts";

export interface JudgingState {
  readonly progress: Signal<{ readonly done: number; readonly total: number } | undefined>;
  /** Found passages a query that are judged, as typed. */
  readonly depth: Signal<string>;
}

export function createJudging(): JudgingState {
  return { progress: signal<JudgingState["progress"]["value"]>(undefined), depth: signal("5") };
}

/** The model for anything but writing decoys: recorded answers can do nothing else. */
export function thinkingProvider(app: App): ProviderSettings | undefined {
  const settings = providerSettings(app);
  return settings?.provider === "recorded" ? undefined : settings;
}

export const canThink = (app: App): boolean => canWork(app) && thinkingProvider(app) !== undefined;

async function selectedOpen(app: App): Promise<OpenCollection> {
  const id = app.collections.selected.value;
  return { id, collection: await readCollection(app, id) };
}

/** Drafts that neither a person nor the judge has looked at. */
export const unjudged = (drafts: readonly Draft[]): Draft[] =>
  drafts.filter((draft) => standing(draft) === "keep" && !draft.judged && !draft.review);

type Item = JudgeInput["items"][number];

/** Asks the judge about every draft that nobody has looked at. */
export async function judgeDrafts(app: App): Promise<void> {
  const provider = thinkingProvider(app);
  if (!provider || !canWork(app)) return;
  const open = await selectedOpen(app);
  const topics = new Map(topicsOf(open.collection).map((topic) => [topic.query.id, topic]));
  const judged = unjudged(app.drafts.list.value).flatMap((draft) => {
    const topic = topics.get(draft.queryId);
    return topic ? [{ draft, topic }] : [];
  });
  await judge(app, provider, {
    items: async () => judged.map(({ draft, topic }) => itemOf(topic, draft)),
    keep: async ({ item, verdict }) => {
      const { key } = present(judged[item], "the judged draft").draft;
      // As it is now: a person may have decided meanwhile.
      const draft = app.drafts.list.value.find((other) => other.key === key) ?? judged[item]?.draft;
      if (draft) await keepDraft(app, open.id, { ...draft, judged: verdict });
    },
  });
}

const itemOf = ({ query, positive }: Topic, passage: Pick<Document, "title" | "text">): Item => ({
  query,
  positive,
  passage: { title: passage.title, text: passage.text },
});

/** Asks the judge about the `depth` best found passages of each training query, those with a verdict left out. */
export async function judgeFound(app: App, depth: number): Promise<void> {
  const provider = thinkingProvider(app);
  if (!provider || !canWork(app) || depth < 1) return;
  const open = await selectedOpen(app);
  const pairKey = (queryId: string, documentId: string): string => JSON.stringify([queryId, documentId]);
  const known = new Set(app.drafts.verdicts.value.map(({ queryId, documentId }) => pairKey(queryId, documentId)));
  let judged: { readonly topic: Topic; readonly document: Document }[] = [];
  await judge(app, provider, {
    items: async () => {
      const topics = await withFound(app, open, topicsOf(open.collection), { depth });
      judged = topics
        .flatMap((topic) => topic.found.map((document) => ({ topic, document })))
        .filter(({ topic, document }) => !known.has(pairKey(topic.query.id, document.id)));
      return judged.map(({ topic, document }) => itemOf(topic, document));
    },
    keep: async ({ item, verdict }) => {
      const { topic, document } = present(judged[item], "the judged passage");
      await keepVerdict(app, open.id, { ...verdict, queryId: topic.query.id, documentId: document.id });
    },
  });
}

interface Judging {
  readonly items: () => Promise<readonly Item[]>;
  readonly keep: (report: JudgeReport) => Promise<void>;
}

async function judge(app: App, provider: ProviderSettings, { items, keep }: Judging): Promise<void> {
  const { progress } = app.judging;
  const actions: Record<Verdict["action"], number> = { keep: 0, relabel: 0, drop: 0 };
  let [done, total] = [0, 0];
  const start: Work<JudgeReport>["start"] = async function* (model, signal) {
    const synthesis = await app.deps.synthesis();
    const asked = await items();
    total = asked.length;
    progress.value = { done, total };
    yield* synthesis.judge({ items: asked, model, signal });
  };
  const receive = async (report: JudgeReport): Promise<void> => {
    await keep(report);
    actions[report.verdict.action]++;
    progress.value = { done: ++done, total };
  };
  const end = await work(app, { kind: "judge", provider, recorded: [], start, receive });
  progress.value = undefined;
  if (end !== "failed")
    tell(app, {
      kind: "done",
      text: `The judge looked at ${done} of ${total} passages: ${actions.keep} stay decoys, ${actions.relabel} answer their query and become answers, ${actions.drop} are left out.`,
    });
}

/** Documents that the model sees at the most. */
const sampleSize = 40;

/** Puts the domains that the model sees in a sample of the documents into the form. */
export async function suggestDomains(app: App): Promise<void> {
  const provider = thinkingProvider(app);
  if (!provider || !canWork(app)) return;
  const { collection } = await selectedOpen(app);
  const documents = shuffled(collection.documents, random(1, "domains")).slice(0, sampleSize);
  const start: Work<readonly string[]>["start"] = async function* (model, signal) {
    const synthesis = await app.deps.synthesis();
    yield await synthesis.suggestDomains(documents, model, signal);
  };
  const receive = async (domains: readonly string[]): Promise<void> => {
    if (domains.length > 0) setGenerationFields(app, { domains: domains.join("\n") });
    tell(app, {
      kind: "done",
      text:
        domains.length > 0
          ? `The model sees ${domains.length} domains in your documents. Change the list as you like.`
          : "The model named no domains. Write some yourself, or try a larger model.",
    });
  };
  await work(app, { kind: "domains", provider, recorded: [], start, receive });
}
