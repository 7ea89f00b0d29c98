/** Candidates: all that could become a negative of a training query, before the gate and the mix choose among them. */
import type { Judgement } from "../domain/collection.ts";
import type { Config } from "../domain/config.ts";
import { isRefreshed, isWritten, type NegativeRequest } from "../domain/configNegatives.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { FoundNegative, NegativeSource, WrittenNegative } from "../domain/negative.ts";
import { documentText } from "../domain/collection.ts";

/** Found before training, by source, in the order in which they are to be taken. */
export type FoundBySource = Readonly<Partial<Record<NegativeRequest["source"], readonly FoundNegative[]>>>;

export interface Candidate {
  readonly source: NegativeSource;
  /** What the encoder reads of it. */
  readonly text: string;
  /** Of a found one: the document, and the sampler's score and rank. */
  readonly documentId?: DocumentId;
  readonly score?: number;
  readonly rank?: number;
}

/** Of one query. */
export interface Pool {
  readonly queryId: QueryId;
  readonly synthetic: readonly Candidate[];
  readonly human: readonly Candidate[];
  /** Came with the data: the first of the found ones. */
  readonly given: readonly Candidate[];
  /** For each static found source of the recipe, in its order. */
  readonly found: readonly (readonly Candidate[])[];
}

export interface TrainingPair {
  readonly queryId: QueryId;
  readonly documentId: DocumentId;
  /** What the encoder reads of the answer, where that is not the whole document. */
  readonly text?: string;
}

/** The training pairs: each query with the documents of its highest grade. */
export function trainingPairs(judgements: readonly Judgement[]): TrainingPair[] {
  const best = new Map<QueryId, number>();
  for (const { queryId, grade } of judgements) best.set(queryId, Math.max(best.get(queryId) ?? 0, grade));
  return judgements.filter(({ queryId, grade }) => grade > 0 && grade === best.get(queryId));
}

/** What the recipe asks to be found before training, in its order. */
export const staticRequests = ({ negatives }: Pick<Config, "negatives">): NegativeRequest[] =>
  negatives.filter(({ source }) => !isWritten(source) && !isRefreshed(source));

/** Items by query, in their order. */
export function byQuery<T extends { readonly queryId: QueryId }>(items: readonly T[]): Map<QueryId, T[]> {
  const groups = new Map<QueryId, T[]>();
  for (const item of items) {
    const group = groups.get(item.queryId);
    if (group) group.push(item);
    else groups.set(item.queryId, [item]);
  }
  return groups;
}

export interface PoolsInput {
  /** The training queries, each once. */
  readonly queryIds: readonly QueryId[];
  readonly negatives: readonly WrittenNegative[];
  readonly found: ReadonlyMap<QueryId, FoundBySource>;
  readonly config: Pick<Config, "negatives">;
  readonly textOf: (documentId: DocumentId) => string;
}

/** One pool a query, in the order of `queryIds`. */
export function gatherPools({ queryIds, negatives, found, config, textOf }: PoolsInput): Pool[] {
  const written = byQuery(negatives);
  const requests = staticRequests(config);
  const wanted = config.negatives.find((request) => request.source === "synthetic")?.recipe;
  return queryIds.map((queryId): Pool => {
    const own = (source: WrittenNegative["source"], recipe?: string) =>
      (written.get(queryId) ?? [])
        .filter((negative) => negative.source === source && (recipe === undefined || negative.recipe === recipe))
        .map((negative): Candidate => ({ source, text: documentText(negative) }));
    const mined = found.get(queryId) ?? {};
    return {
      queryId,
      synthetic: own("synthetic", wanted),
      human: own("human"),
      given: own("given"),
      found: requests.map(({ source }) =>
        (mined[source] ?? []).map((negative): Candidate => ({ ...negative, text: textOf(negative.documentId) })),
      ),
    };
  });
}
