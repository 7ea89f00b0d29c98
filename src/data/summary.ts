/** What an import made, in figures. */
import { digestOf, digestOfTexts } from "../base/digest.ts";
import type { ImportSummary } from "../domain/stages.ts";
import type { Content } from "./beir.ts";
import { leaksBySplit } from "./split.ts";

/**
 * Everything that was accepted, in the order that was read (the order has a part in seeded choices), splits by name.
 * Headings with counts keep a query from passing for a document.
 */
function* textsOf({ documents, queries, judgements, negatives }: Content): Generator<string, void, void> {
  yield `documents ${documents.length}`;
  for (const { id, title, text } of documents) yield* [id, title, text];
  yield `queries ${queries.length}`;
  for (const { id, text } of queries) yield* [id, text];
  for (const [split, rows] of Object.entries(judgements).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    yield `judgements ${split} ${rows.length}`;
    for (const { queryId, documentId, grade } of rows) yield* [queryId, documentId, String(grade)];
  }
  yield `negatives ${negatives.length}`;
  for (const negative of negatives) yield digestOf(negative);
}

const digestOfContent = (content: Content): string => digestOfTexts(textsOf(content));

export function summarise(content: Content, format: string, rejected: number): ImportSummary {
  const judgements = Object.entries(content.judgements).map(([split, rows]) => [split, rows.length]);
  const leaks = leaksBySplit(content);
  return {
    format,
    documents: content.documents.length,
    queries: content.queries.length,
    judgements: Object.fromEntries(judgements),
    negatives: content.negatives.length,
    rejected,
    digest: digestOfContent(content),
    ...(leaks && { leaks }),
  };
}
