/** Which queries gained and which lost from one system to another. */
import type { QueryId } from "./ids.ts";
import type { MetricName, Scores } from "./ranking.ts";

export interface QueryChange {
  readonly queryId: QueryId;
  readonly before: number;
  readonly after: number;
}

export interface QueryChanges {
  /** The largest, largest first; of equal ones in the order of the queries. */
  readonly gained: readonly QueryChange[];
  readonly lost: readonly QueryChange[];
  /** Of all queries. */
  readonly better: number;
  readonly worse: number;
  readonly same: number;
}

/** On the queries that both were measured on; at most `most` each way. */
export function queryChanges(
  before: Scores,
  after: Scores,
  { metric, most }: { readonly metric: MetricName; readonly most: number },
): QueryChanges {
  const values = new Map(after.queryIds.map((id, i) => [id, after.perQuery[metric]?.[i]]));
  const changes = before.queryIds.flatMap((queryId, i): QueryChange[] => {
    const [first, last] = [before.perQuery[metric]?.[i], values.get(queryId)];
    return first === undefined || last === undefined ? [] : [{ queryId, before: first, after: last }];
  });
  const gain = (change: QueryChange): number => change.after - change.before;
  const better = changes.filter((change) => gain(change) > 0).sort((a, b) => gain(b) - gain(a));
  const worse = changes.filter((change) => gain(change) < 0).sort((a, b) => gain(a) - gain(b));
  return {
    gained: better.slice(0, most),
    lost: worse.slice(0, most),
    better: better.length,
    worse: worse.length,
    same: changes.length - better.length - worse.length,
  };
}
