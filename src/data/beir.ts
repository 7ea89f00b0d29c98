/** A collection in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv, and perhaps negatives.jsonl; or corpus.jsonl alone. */
import type { Collection, Document, Judgement, Query } from "../domain/collection.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { ImportReport } from "../domain/stages.ts";
import type { Shelf } from "./documents.ts";
import { itemsOf, takeDocument, takeQuery } from "./documents.ts";
import type { BeirLayout } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { problem } from "./problem.ts";
import { takeJudgement } from "./qrels.ts";
import { readRows } from "./rows.ts";
import type { Source } from "./source.ts";
import { extensionOf } from "./source.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { count } from "./wording.ts";
import { takeNegative } from "./written.ts";

/** A collection before it has a name. */
export type Content = Omit<Collection, "name">;

type Reading<Product> = AsyncGenerator<ImportReport, Product, void>;
type Splits = ReadonlyMap<string, Shelf<Judgement>>;

async function* readSplits(
  layout: BeirLayout,
  shelves: { readonly queries: Shelf<Query>; readonly documents: Shelf<Document> },
  ledger: Ledger,
): Reading<Splits> {
  const splits = new Map<string, Shelf<Judgement>>();
  for (const { split, source } of layout.qrels) {
    const judgements: Shelf<Judgement> = new Map();
    const format = extensionOf(source.path) === "jsonl" ? "json" : "columns";
    yield* readRows(source, ledger, takeJudgement({ ...shelves, judgements }, format));
    if (judgements.size > 0) splits.set(split, judgements);
  }
  ledger.requireRows(
    layout.qrels.map(({ source }) => source.path),
    "judgement",
  );
  return splits;
}

/** Takes the queries that no split judges off the shelf. */
function dropUnjudged(queries: Shelf<Query>, splits: Splits, file: string, ledger: Ledger): void {
  const judged = new Set<string>();
  let relevant = 0;
  for (const { item } of [...splits.values()].flatMap((shelf) => [...shelf.values()])) {
    judged.add(item.queryId);
    if (item.grade > 0) relevant += 1;
  }
  if (relevant === 0) {
    throw new UnreadableCollection(
      `None of the ${count(queries.size)} queries has a relevant document: no judgement has a grade above 0. ` +
        "Give grade 1 or more to the documents that answer a query.",
    );
  }
  const why = problem(
    "query has no relevant document",
    "no split judges it, so it can be neither trained on nor measured",
  );
  for (const [id, { item, line }] of queries) {
    if (judged.has(id)) continue;
    queries.delete(id);
    ledger.reject({ file, line, text: item.text }, why);
  }
}

/** Queries onto their shelf, and what judges them. */
async function* readJudged(
  source: Source,
  layout: BeirLayout,
  shelves: { readonly queries: Shelf<Query>; readonly documents: Shelf<Document> },
  ledger: Ledger,
): Reading<Splits> {
  const { queries } = shelves;
  yield* readRows(source, ledger, takeQuery(queries));
  ledger.requireRows([source.path], "query");
  const splits = yield* readSplits(layout, shelves, ledger);
  dropUnjudged(queries, splits, source.path, ledger);
  return splits;
}

/** Errors: UnreadableCollection when a file has no usable row or no query has a relevant document. */
export async function* readBeir(layout: BeirLayout, ledger: Ledger): Reading<Content> {
  const documents: Shelf<Document> = new Map();
  yield* readRows(layout.corpus, ledger, takeDocument(documents));
  ledger.requireRows([layout.corpus.path], "document");

  const queries: Shelf<Query> = new Map();
  const splits = layout.queries ? yield* readJudged(layout.queries, layout, { queries, documents }, ledger) : new Map();

  const negatives: Shelf<WrittenNegative> = new Map();
  if (layout.negatives) yield* readRows(layout.negatives, ledger, takeNegative(queries, negatives));
  return {
    documents: itemsOf(documents),
    queries: itemsOf(queries),
    // fromEntries defines properties, so a split named "__proto__" is one like any other.
    judgements: Object.fromEntries(Array.from(splits, ([split, shelf]) => [split, itemsOf(shelf)])),
    negatives: itemsOf(negatives),
  };
}
