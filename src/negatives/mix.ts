/**
 * Mixing: from training pairs and the candidates of their queries to training rows. The default is SyNeg's hybrid mix:
 * every (query, positive) gets its own synthetic negatives and its own found ones (arXiv 2412.17250, as summarised by
 * its readers), so that no row lacks either kind. quotas.ts has the other mixes.
 */
import { present } from "../base/assert.ts";
import { isRefreshed, isWritten } from "../domain/configNegatives.ts";
import type { QueryId } from "../domain/ids.ts";
import type { TrainingRow, TrainingSet } from "../domain/training.ts";
import { byQuery, staticRequests, type Candidate, type Pool } from "./pools.ts";
import { quotasOf, rowSize, type Have, type MixConfig, type Quota } from "./quotas.ts";
import { proportional } from "./ratio.ts";

/** A query and a text that answers it. */
export interface Answer {
  readonly queryId: QueryId;
  readonly text: string;
}

export interface MixInput {
  /** One row each, in this order. No text of a query's answers becomes a negative of it. */
  readonly answers: readonly Answer[];
  readonly pools: readonly Pool[];
  readonly queryText: (queryId: QueryId) => string;
  readonly config: MixConfig;
}

export interface MixOutcome {
  readonly trainingSet: TrainingSet;
  readonly rows: number;
  /** Rows that got fewer synthetic negatives than the recipe deals them. */
  readonly lackingSynthetic: number;
  /** Rows with fewer negatives than the recipe asks for, whatever the source. */
  readonly short: number;
  /** Negatives of all rows. */
  readonly synthetic: number;
  readonly others: number;
  /** The most synthetic negatives that any row could have taken. */
  readonly mostSynthetic: number;
}

/** Numbers texts in first-seen order. */
function table() {
  const index = new Map<string, number>();
  const add = (text: string): number => {
    const known = index.get(text) ?? index.size;
    index.set(text, known);
    return known;
  };
  return { add, texts: () => [...index.keys()] };
}

/** Takes `count` texts that are not taken yet. */
function take(candidates: readonly Candidate[], count: number, taken: Set<string>): Candidate[] {
  const result: Candidate[] = [];
  for (const candidate of candidates) {
    if (result.length >= count) break;
    if (taken.has(candidate.text)) continue;
    taken.add(candidate.text);
    result.push(candidate);
  }
  return result;
}

/** Candidates without the answers, written ones also without repetitions: what is counted is what can be taken. */
function usable({ queryId, ...pool }: Pool, answers: readonly Answer[]): Pool {
  const answered = new Set(answers.map(({ text }) => text));
  const taken = new Set(answered);
  const apart = (candidates: readonly Candidate[]) => candidates.filter(({ text }) => !answered.has(text));
  return {
    queryId,
    synthetic: take(pool.synthetic, Infinity, taken),
    human: take(pool.human, Infinity, taken),
    given: apart(pool.given),
    found: pool.found.map(apart),
  };
}

/** The negatives of one row in the order of the recipe's sources, then more found ones where candidates lacked. */
function rowNegatives(pool: Pool, quota: Quota, config: MixConfig): Candidate[] {
  const taken = new Set<string>();
  const { negatives, mix } = config;
  const counts = proportional(
    staticRequests(config).map(({ count }) => count),
    quota.found,
  );
  const lists = pool.found.map((candidates, i) => (i === 0 ? [...pool.given, ...candidates] : candidates));
  let next = 0;
  // A ratio deals synthetic negatives also where the recipe names none.
  const named = negatives.map(({ source }) => source);
  const sources = named.includes("synthetic") ? named : (["synthetic", ...named] as const);
  const row = sources.flatMap((source): Candidate[] => {
    if (isRefreshed(source)) return [];
    if (isWritten(source)) return take(pool[source], quota[source], taken);
    const list = next++;
    return take(lists[list] ?? [], counts[list] ?? 0, taken);
  });
  if (mix === "synthetic") return row;
  return [...row, ...take([...pool.given, ...pool.found.flat()], rowSize(config) - row.length, taken)];
}

function setOf(
  { answers, queryText }: MixInput,
  negatives: readonly (readonly Candidate[] | undefined)[],
): TrainingSet {
  const [queries, documents] = [table(), table()];
  const rows = answers.flatMap(({ queryId, text }, i): TrainingRow[] => {
    const own = negatives[i];
    if (!own) return [];
    const row = { query: queries.add(queryText(queryId)), positive: documents.add(text) };
    return [
      {
        ...row,
        negatives: own.map(({ source, text: negative, score, rank }) => ({
          document: documents.add(negative),
          source,
          ...(score !== undefined && { score }),
          ...(rank !== undefined && { rank }),
        })),
      },
    ];
  });
  return { queries: queries.texts(), documents: documents.texts(), rows };
}

/** One row an answer; under "synthetic", rows without a single negative are left out. */
export function mix(input: MixInput): MixOutcome {
  const { answers, config } = input;
  const answersOf = byQuery(answers);
  const pools = new Map(
    input.pools.map((pool) => [pool.queryId, usable(pool, answersOf.get(pool.queryId) ?? [])] as const),
  );
  const poolsByRow = answers.map(({ queryId }) => present(pools.get(queryId), `candidates of ${queryId}`));
  const have = poolsByRow.map(({ synthetic, human }): Have => ({ synthetic: synthetic.length, human: human.length }));
  const quotas = quotasOf(config, have);
  const negatives = poolsByRow.map((pool, i) => {
    const row = rowNegatives(pool, present(quotas[i], "the row's quota"), config);
    return row.length === 0 && config.mix === "synthetic" ? undefined : row;
  });
  const trainingSet = setOf(input, negatives);
  const made = negatives.filter((row) => row !== undefined);
  const all = made.flat();
  const synthetic = all.filter(({ source }) => source === "synthetic").length;
  return {
    trainingSet,
    rows: made.length,
    lackingSynthetic: quotas.filter(({ lacking }) => lacking > 0).length,
    short: made.filter(({ length }) => length < rowSize(config)).length,
    synthetic,
    others: all.length - synthetic,
    mostSynthetic: Math.max(0, ...have.map(({ synthetic }) => synthetic)),
  };
}
