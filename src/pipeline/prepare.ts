/** From a collection and a recipe to training rows: which judgements train, which evaluate, which negatives are found. */
import { chooseSplits, splitJudgements } from "../data/split.ts";
import type { Collection, Judgement } from "../domain/collection.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { Ranking } from "../domain/ranking.ts";
import type { Progress } from "../domain/stages.ts";
import { mix, requested, trainingPairs, type FoundBySource } from "../negatives/mix.ts";
import { sampleBm25, sampleRandom } from "../negatives/samplers.ts";
import type { MixOutcome } from "../negatives/mix.ts";
import type { Evaluation } from "./measure.ts";
import type { RunInput, Services } from "./run.ts";

export interface Splits {
  readonly train: readonly Judgement[];
  readonly evaluation: Evaluation;
  readonly notes: readonly string[];
}

/** Whether this run takes at least one optimiser step. */
export const trains = ({ config }: RunInput): boolean =>
  config.steps !== 0 && (config.steps !== undefined || config.epochs > 0);

function evaluationOf({ queries }: Collection, name: string, judgements: readonly Judgement[]): Evaluation {
  const relevant = new Set(judgements.filter(({ grade }) => grade > 0).map(({ queryId }) => queryId));
  return { name, judgements, queries: queries.filter(({ id }) => relevant.has(id)) };
}

/** Training and evaluation judgements; a collection with only one split is divided by query when the run trains. */
export function splitsOf(input: RunInput): Splits {
  const { collection, config } = input;
  const chosen = chooseSplits(collection, config.evaluate.split);
  if (chosen.train.length > 0 || !trains(input) || input.trainingSet) {
    const evaluation = evaluationOf(collection, chosen.evaluation.name, chosen.evaluation.judgements);
    return { train: chosen.train, evaluation, notes: [] };
  }
  const { judgements, note } = splitJudgements(collection, config.seed);
  const evaluation = evaluationOf(collection, "test", judgements["test"] ?? []);
  return { train: judgements["train"] ?? [], evaluation, notes: note ? [note] : [] };
}

/** Relevant documents of each query over all splits: none of them may become a negative. */
function relevantDocuments({ judgements }: Collection): ReadonlyMap<QueryId, ReadonlySet<DocumentId>> {
  const relevant = new Map<QueryId, Set<DocumentId>>();
  for (const { queryId, documentId, grade } of Object.values(judgements).flat()) {
    if (grade <= 0) continue;
    const known = relevant.get(queryId) ?? new Set<DocumentId>();
    relevant.set(queryId, known.add(documentId));
  }
  return relevant;
}

/** Negatives of every training query from each source that the recipe names. */
export async function* mine(
  services: Services,
  { collection, config }: RunInput,
  train: readonly Judgement[],
): AsyncGenerator<Progress, ReadonlyMap<QueryId, FoundBySource>, void> {
  const wanted = new Set(trainingPairs(train).map(({ queryId }) => queryId));
  const queries = collection.queries.filter(({ id }) => wanted.has(id));
  const relevant = relevantDocuments(collection);
  const none: ReadonlySet<DocumentId> = new Set();
  const bm25 = config.negatives.find((request) => request.source === "bm25");
  const most = queries.reduce((max, { id }) => Math.max(max, relevant.get(id)?.size ?? 0), 0);
  let rankings: readonly Ranking[] = [];
  if (bm25 && config.mix !== "synthetic") {
    rankings = yield* services.retriever.searchText({ queries, depth: bm25.last + most });
  }
  const ranked = new Map(rankings.map((ranking) => [ranking.queryId, ranking]));
  const documents = collection.documents.map(({ id }) => id);
  const drawsAtRandom = config.mix !== "synthetic" && config.negatives.some(({ source }) => source === "random");
  const count = drawsAtRandom ? requested(config) : 0;
  return new Map(
    queries.map(({ id }) => {
      const own = relevant.get(id) ?? none;
      const ranking = ranked.get(id);
      const found: FoundBySource = {
        bm25: bm25 && ranking ? sampleBm25(ranking, own, bm25, config.seed) : [],
        random: sampleRandom(documents, own, { queryId: id, count, seed: config.seed }),
      };
      return [id, found];
    }),
  );
}

/** Rows, and what the person should know about them. */
export function prepareRows(
  { collection, config }: RunInput,
  train: readonly Judgement[],
  found: ReadonlyMap<QueryId, FoundBySource>,
): { readonly outcome: MixOutcome; readonly notes: readonly string[] } {
  const outcome = mix({ collection, judgements: train, found, config });
  const notes: string[] = [];
  const rows = `${outcome.rows} training rows`;
  if (outcome.lackingSynthetic > 0 && config.mix === "hybrid") {
    notes.push(
      `${outcome.lackingSynthetic} of ${rows} have no synthetic negative and take one more found negative instead.`,
    );
  }
  if (outcome.short > 0)
    notes.push(`${outcome.short} of ${rows} have fewer negatives than the recipe asks for: no more were found.`);
  return { outcome, notes };
}
