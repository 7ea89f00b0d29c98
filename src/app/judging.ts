/** A second look by the language model: does a decoy answer its query after all? And naming the domains of a collection. */
import { type Signal, signal } from "@preact/signals";
import { present } from "../base/assert.ts";
import { random, shuffled } from "../base/random.ts";
import type { Document } from "../domain/collection.ts";
import { type Draft, type FoundVerdict, standing, type Verdict } from "../domain/draft.ts";
import type { CollectionId } from "../domain/ids.ts";
import type { ProviderSettings } from "../domain/languageModel.ts";
import type { JudgeInput, JudgeReport, Topic } from "../domain/synthesis.ts";
import type { App } from "./app.ts";
import { readCollection } from "./collections.ts";
import { keepDraft, keepVerdict } from "./drafts.ts";
import { type FoundByRun, foundByRun, type FoundPassage } from "./foundNegatives.ts";
import { providerSettings, setGenerationFields } from "./generationForm.ts";
import { canWork, work, type Work } from "./modelWork.ts";
import { tell } from "./notices.ts";
import { type OpenCollection, topicsOf, withFound } from "./topics.ts";

export interface JudgingState {
  readonly progress: Signal<{ readonly done: number; readonly total: number } | undefined>;
  /** Of BM25's passages, those of each query that are judged where no run found any; as typed. */
  readonly depth: Signal<string>;
  /** What a run found in a collection; undefined until it was looked for. */
  readonly found: Signal<{ readonly collection: CollectionId; readonly of: FoundByRun | undefined } | undefined>;
}

export function createJudging(): JudgingState {
  return {
    progress: signal<JudgingState["progress"]["value"]>(undefined),
    depth: signal("5"),
    found: signal<JudgingState["found"]["value"]>(undefined),
  };
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

/** Looks for what a run found in the selected collection, to say beforehand what {@link judgeFound} will do. */
export async function lookForFound(app: App): Promise<void> {
  const open = await selectedOpen(app);
  const of = await foundByRun(app, open);
  if (app.collections.selected.value === open.id) app.judging.found.value = { collection: open.id, of };
}

type Pair = Pick<FoundVerdict, "queryId" | "documentId">;

const pairsOf = ({ queryIds, documentIds }: FoundPassage): Pair[] =>
  queryIds.flatMap((queryId) => documentIds.map((documentId) => ({ queryId, documentId })));

const pairKey = ({ queryId, documentId }: Pair): string => JSON.stringify([queryId, documentId]);

/** Those of `passages` that have no verdict yet. */
export function withoutVerdict(
  passages: readonly FoundPassage[],
  verdicts: readonly FoundVerdict[],
): readonly FoundPassage[] {
  const known = new Set(verdicts.map(pairKey));
  return passages.filter((passage) => pairsOf(passage).some((pair) => !known.has(pairKey(pair))));
}

/** Of documents that read alike one becomes an answer, the others are left out: the answer would stand there twice. */
function verdictsFor(passage: FoundPassage, verdict: Verdict): FoundVerdict[] {
  const [first] = passage.documentIds;
  return pairsOf(passage).map((pair) => {
    const copy = verdict.action === "relabel" && pair.documentId !== first;
    return { ...verdict, ...pair, ...(copy && { action: "drop" }) };
  });
}

/**
 * Asks the judge about what the newest run took as negatives, or, where no run found any, about the `depth` best of each
 * training query by BM25; those with a verdict are left out.
 */
export async function judgeFound(app: App, depth: number): Promise<void> {
  const provider = thinkingProvider(app);
  if (!provider || !canWork(app)) return;
  const open = await selectedOpen(app);
  let judged: readonly FoundPassage[] = [];
  await judge(app, provider, {
    items: async () => {
      const passages = (await foundByRun(app, open))?.passages ?? (await bestByWords(app, open, depth));
      judged = withoutVerdict(passages, await app.deps.store.listVerdicts(open.id));
      return judged.map((passage) => itemOf(passage.topic, passage));
    },
    keep: async ({ item, verdict }) => {
      const passage = present(judged[item], "the judged passage");
      for (const each of verdictsFor(passage, verdict)) await keepVerdict(app, open.id, each);
    },
  });
}

async function bestByWords(app: App, open: OpenCollection, depth: number): Promise<FoundPassage[]> {
  const topics = await withFound(app, open, topicsOf(open.collection), { depth });
  return topics.flatMap((topic) =>
    topic.found.map(({ id, title, text }) => ({
      topic,
      title,
      text,
      source: "bm25",
      queryIds: [topic.query.id],
      documentIds: [id],
    })),
  );
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
