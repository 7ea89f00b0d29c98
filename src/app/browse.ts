/** Looking into the selected collection: its rows, its splits, its figures. What is computed for it is loaded when first needed. */
import { type Signal, signal } from "@preact/signals";
import type { Book, BookList } from "../data/book.ts";
import type { Distribution, Statistics } from "../data/statistics.ts";
import type { Arranged, Arrangement } from "../domain/arrangement.ts";
import type { Collection } from "../domain/collection.ts";
import type { Progress } from "../domain/stages.ts";

export type { Distribution, Statistics };

export const dataViews = ["collections", "documents", "queries", "judgements", "splits", "statistics"] as const;
export type DataView = (typeof dataViews)[number];

export interface ListState {
  readonly words: Signal<string>;
  /** The words that were last searched for and the places of their rows; undefined where all rows are shown. */
  readonly found: Signal<{ readonly words: string; readonly places: readonly number[] } | undefined>;
  readonly searching: Signal<Progress | undefined>;
  /** The row that is open. */
  readonly open: Signal<number | undefined>;
  /** The row to go to when the list is next shown. */
  readonly target: Signal<number | undefined>;
}

export interface SplitsForm {
  /** What each split becomes; "" leaves it out. A split that is not in it keeps its name. */
  readonly names: Readonly<Record<string, string>>;
  readonly holds: boolean;
  readonly percent: string;
  readonly from: string;
  readonly to: string;
  readonly seed: string;
}

export interface BrowseState {
  readonly view: Signal<DataView>;
  readonly book: Signal<Book | undefined>;
  readonly lists: Readonly<Record<BookList, ListState>>;
  readonly statistics: Signal<{ readonly of: Collection; readonly result: Statistics } | undefined>;
  /** How far the book or the statistics are. */
  readonly progress: Signal<Progress | undefined>;
  readonly splits: Signal<SplitsForm | undefined>;
  readonly arranged: Signal<
    { readonly of: Collection; readonly asked: Arrangement; readonly result: Arranged } | undefined
  >;
  /** What is being done with the splits, in words. */
  readonly arranging: Signal<string | undefined>;
}

const list = (): ListState => ({
  words: signal(""),
  found: signal<ListState["found"]["value"]>(undefined),
  searching: signal<Progress | undefined>(undefined),
  open: signal<number | undefined>(undefined),
  target: signal<number | undefined>(undefined),
});

export const createBrowse = (): BrowseState => ({
  view: signal<DataView>("collections"),
  book: signal<Book | undefined>(undefined),
  lists: { documents: list(), queries: list(), judgements: list() },
  statistics: signal<BrowseState["statistics"]["value"]>(undefined),
  progress: signal<Progress | undefined>(undefined),
  splits: signal<SplitsForm | undefined>(undefined),
  arranged: signal<BrowseState["arranged"]["value"]>(undefined),
  arranging: signal<string | undefined>(undefined),
});
