/** What a person does while looking into a collection. All of it in slices so short that the page never waits. */
import { breathing } from "../base/breath.ts";
import type { Progress } from "../domain/stages.ts";
import { type Book, type BookList, bookLists, findRows, makeBook } from "../data/book.ts";
import { statisticsOf } from "../data/statistics.ts";
import type { App } from "./app.ts";

/** Milliseconds of work between two turns: half a frame. */
const slice = 8;

/** Does the work while `wanted`; undefined where it no longer was. */
async function inSlices<Product>(
  work: Generator<Progress, Product, void>,
  wanted: () => boolean,
  report: (progress: Progress) => void,
): Promise<Product | undefined> {
  let product: Product | undefined;
  async function* all() {
    product = yield* breathing(work, slice);
  }
  for await (const progress of all()) {
    if (!wanted()) return undefined;
    report(progress);
  }
  return wanted() ? product : undefined;
}

/** Looks up what belongs together in the open collection, unless that is done. */
export async function openBook(app: App): Promise<void> {
  const { browse, collections } = app;
  const collection = collections.open.value?.collection;
  if (!collection || browse.book.peek()?.collection === collection) return;
  forget(app);
  const wanted = (): boolean => collections.open.peek()?.collection === collection;
  const book = await inSlices(makeBook(collection), wanted, (progress) => (browse.progress.value = progress));
  if (!book) return;
  browse.progress.value = undefined;
  browse.book.value = book;
}

function forget({ browse }: App): void {
  browse.book.value = undefined;
  browse.splits.value = undefined;
  browse.arranged.value = undefined;
  for (const name of bookLists) {
    const { words, found, open, target } = browse.lists[name];
    [words.value, found.value, open.value, target.value] = ["", undefined, undefined, undefined];
  }
}

/** Finds the rows that hold the words. A later search takes the place of an earlier one. */
export async function searchRows({ browse }: App, name: BookList, words: string): Promise<void> {
  const book = browse.book.peek();
  const list = browse.lists[name];
  list.words.value = words;
  if (!book) return;
  list.open.value = undefined;
  list.searching.value = undefined;
  if (words.trim() === "") {
    list.found.value = undefined;
    return;
  }
  const wanted = (): boolean => list.words.peek() === words && browse.book.peek() === book;
  const places = await inSlices(findRows(book, name, words), wanted, (progress) => (list.searching.value = progress));
  if (!places) return;
  list.searching.value = undefined;
  list.found.value = { words, places };
}

/** Shows one row of a list, open, among all of its rows. */
export function showRow({ browse }: App, name: BookList, place: number): void {
  const { words, found, open, target } = browse.lists[name];
  [words.value, found.value, open.value, target.value] = ["", undefined, place, place];
  browse.view.value = name;
}

export async function readStatistics({ browse, collections }: App): Promise<void> {
  const of = collections.open.value?.collection;
  if (!of || browse.statistics.peek()?.of === of) return;
  browse.statistics.value = undefined;
  const wanted = (): boolean => collections.open.peek()?.collection === of && browse.view.peek() === "statistics";
  const result = await inSlices(statisticsOf(of), wanted, (progress) => (browse.progress.value = progress));
  if (!result) return;
  browse.progress.value = undefined;
  browse.statistics.value = { of, result };
}

export type { Book, BookList };
export { documentOf, queryOf, rowCount, wantedIn } from "../data/book.ts";
