/** A synthesis that writes what it is told, with a model that counts what it is asked. */
import type { App } from "../../src/app/app.ts";
import type { AppStore } from "../../src/app/dependencies.ts";
import { setGenerationFields } from "../../src/app/generationForm.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import type { Draft } from "../../src/domain/draft.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { Completion, LanguageModel, ProviderSettings } from "../../src/domain/languageModel.ts";
import type { RetrieverStages } from "../../src/domain/stages.ts";
import type { GenerateInput, GenerateReport, GenerateSummary, Synthesis, Topic } from "../../src/domain/synthesis.ts";
import { collection, fakeApp } from "./fakes.ts";

const queries = ["q1", "q2", "q3", "q4"];

/** Four training queries, all answered by the first document; no decoys yet. */
export const asking: Collection = {
  ...collection,
  queries: queries.map((id) => ({ id: queryId(id), text: `why ${id}` })),
  judgements: { train: queries.map((id) => ({ queryId: queryId(id), documentId: documentId("d1"), grade: 1 })) },
  negatives: [],
};

export interface SynthesisLog {
  readonly opened: ProviderSettings[];
  closed: number;
  /** "q1 0": the query and which of its negatives. */
  readonly asked: string[];
  readonly judged: string[];
}

export interface FakeModel {
  readonly synthesis: Synthesis;
  readonly log: SynthesisLog;
  /** "q3 0": asked for this, it answers only when the request is aborted. */
  hangs: string | undefined;
  /** Queries whose answer is of no use. */
  readonly useless: Set<string>;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void => reject(new DOMException("stopped", "AbortError"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
  });

export function draftOf(topic: Topic, changes: Partial<Draft> = {}): Draft {
  return {
    key: `${topic.query.id} 0`,
    queryId: topic.query.id,
    positiveId: topic.positive.id,
    source: "synthetic",
    outcome: "accepted",
    notes: [],
    title: "",
    text: `A decoy for ${topic.query.text}.`,
    attributes: {},
    provider: "webllm",
    model: "small",
    recipe: "syneg",
    seed: 1,
    attempt: 1,
    answer: "",
    promptTokens: 300,
    completionTokens: 50,
    seconds: 1,
    createdAt: "2026-01-01T00:00:00.000Z",
    ...changes,
  };
}

export function fakeModel(): FakeModel {
  const log: SynthesisLog = { opened: [], closed: 0, asked: [], judged: [] };
  const fake: FakeModel = { log, hangs: undefined, useless: new Set(), synthesis: synthesisOf() };
  return fake;

  function modelOf(settings: ProviderSettings): LanguageModel {
    const info = {
      provider: settings.provider,
      id: "small",
      context: 4096,
      reproducible: true,
      leavesTab: false,
      concurrency: 1,
    };
    const answer: Completion = {
      text: "{}",
      finish: "stop",
      promptTokens: 300,
      completionTokens: 50,
      counted: true,
    };
    return {
      info,
      complete: async ({ about }, { signal }) => {
        const asked = `${about.queryId} ${about.index}`;
        log.asked.push(asked);
        await (fake.hangs === asked ? aborted(signal) : new Promise((resolve) => setTimeout(resolve, 0)));
        return answer;
      },
      close: async () => void log.closed++,
    };
  }

  async function* generate(input: GenerateInput): AsyncGenerator<GenerateReport, GenerateSummary, void> {
    const { topics, generation, known, model, signal } = input;
    const total = topics.length * generation.perQuery;
    let done = 0;
    for (const topic of topics)
      for (let index = 0; index < generation.perQuery; index++) {
        const key = `${topic.query.id} ${index}`;
        if (known.has(key)) {
          done++;
          continue;
        }
        yield { kind: "asking", queryId: topic.query.id, done, total };
        const request = { messages: [], schema: undefined, maxTokens: 9, temperature: 0, topP: 1, seed: 1 };
        const about = { queryId: topic.query.id, index };
        await model.complete({ ...request, about }, { signal, stallAfter: 1000 });
        const useless = fake.useless.has(topic.query.id);
        const notes = [{ flaw: "refusal", text: "It would not write one." }] as const;
        const changes = useless ? ({ outcome: "rejected", text: "", notes, answer: "I cannot." } as const) : {};
        if (!useless) done++;
        yield { kind: "draft", draft: draftOf(topic, { key, createdAt: input.now().toISOString(), ...changes }) };
      }
    const counts = { asked: 0, accepted: done, repaired: 0, rejected: 0, missing: total - done };
    return { ...counts, promptTokens: 0, completionTokens: 0, seconds: 0 };
  }

  function synthesisOf(): Synthesis {
    return {
      presets: [
        { name: "web", label: "Web", origin: "ours", domains: ["Law"], levels: ["General"], lengths: ["as long as"] },
      ],
      defaultParts: () => ({ role: "", task: "", reasoning: "", hardNegatives: "", attributes: "", format: "" }),
      preview: () => [{ messages: [], schema: { type: "boolean" }, attributes: {}, awaited: [] }],
      models: async (provider) => [
        {
          provider,
          id: "small",
          name: "Small",
          downloadBytes: 1e9,
          memoryBytes: 2e9,
          needsF16: false,
          context: 4096,
          licence: "MIT",
          runs: { here: true, why: "" },
        },
      ],
      open: async (settings, _recorded, { signal }) => {
        signal.throwIfAborted();
        log.opened.push(settings);
        return modelOf(settings);
      },
      generate,
      handOver: () => ({ count: 0, requests: () => [], checks: {} }),
      async *judge({ items, signal }) {
        for (const [item, { passage }] of items.entries()) {
          signal.throwIfAborted();
          log.judged.push(passage.text);
          const action = passage.text.includes("q2") || passage.text.includes("Frost") ? "relabel" : "keep";
          yield { item, verdict: { action, reason: "It says so.", by: "judge small" } };
        }
      },
      async *writeQueries({ documents, search, top }) {
        for (const document of documents) {
          const text = `what about ${document.id}`;
          const rank = (await search(text, top)).indexOf(document.id) + 1;
          yield { documentId: document.id, text, kept: rank > 0, reason: rank > 0 ? `rank ${rank}` : "not found" };
        }
      },
      suggestDomains: async () => ["Tides", "Frost"],
      checkOwn: async (topic, { title, text }) =>
        draftOf(topic, {
          key: `own ${text}`,
          source: "human",
          provider: "person",
          title,
          text,
          ...(text === topic.positive.text && {
            outcome: "rejected",
            notes: [{ flaw: "copiesPositive", text: "It is the answer." }],
          }),
        }),
    };
  }
}

/** Finds all documents for whatever is asked, the first one first. */
export const neighbours: Partial<RetrieverStages> = {
  indexText: async function* () {
    return { documents: 2, terms: 5, averageLength: 4 };
  },
  searchText: async function* ({ queries }) {
    const hits = ["d1", "d2"].map((id) => ({ documentId: documentId(id), score: 1 }));
    return queries.map(({ id }) => ({ queryId: id, hits }));
  },
};

export interface World {
  readonly app: App;
  readonly model: FakeModel;
  readonly store: AppStore;
}

interface WorldOptions {
  readonly store?: AppStore;
  readonly model?: FakeModel;
  readonly settings?: Map<string, string>;
}

/** An app that asks a fake model about {@link asking}. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const model = options.model ?? fakeModel();
  const store = options.store ?? memoryStore(() => new Date(0));
  const settings = options.settings ?? new Map<string, string>();
  const app = await fakeApp({ synthesis: model.synthesis, neighbours, store, settings, collection: asking });
  await app.drafts.loaded;
  setGenerationFields(app, { provider: "endpoint", endpointUrl: "http://localhost:1/v1", endpointModel: "small" });
  return { app, model, store };
}
