/** What a person asks of a collection's splits. */
import type { Judgements, LeakReport } from "./collection.ts";

export interface HoldOut {
  readonly from: string;
  readonly to: string;
  /** Of the queries, above 0 and below 1. */
  readonly share: number;
  readonly seed: number;
}

export interface Arrangement {
  /** For each split the name that it gets; two of one name are joined; undefined leaves it out. */
  readonly names: readonly (readonly [split: string, becomes: string | undefined])[];
  /** After that. */
  readonly holdOut: HoldOut | undefined;
}

/** What came of it. */
export interface Arranged {
  readonly judgements: Judgements;
  /** By split that is not trained on; missing where there is no training split. */
  readonly leaks?: Readonly<Record<string, LeakReport>>;
}
