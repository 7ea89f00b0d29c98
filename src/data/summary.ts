/** What an import made, in figures. */
import { digestOf, digestOfTexts, textsDigester } from "../base/digest.ts";
import type { ImportSummary, Progress } from "../domain/stages.ts";
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

const textsPerReport = 128;

/** The digest, a piece at a time: that of a large collection takes seconds. */
export function* digesting(content: Content): Generator<Progress, string, void> {
  const hash = textsDigester();
  const total = content.documents.length;
  let texts = 0;
  for (const text of textsOf(content)) {
    hash.add(text);
    if (++texts % textsPerReport === 0) yield { done: Math.min(texts / 3, total), total, unit: "documents" };
  }
  return hash.digest();
}

type Known = Pick<ImportSummary, "format" | "rejected" | "digest" | "leaks">;

/** The figures of a collection of which the digest and the leaks are known. */
export function summaryWith(content: Content, { format, rejected, digest, leaks }: Known): ImportSummary {
  const judgements = Object.entries(content.judgements).map(([split, rows]) => [split, rows.length]);
  return {
    format,
    documents: content.documents.length,
    queries: content.queries.length,
    judgements: Object.fromEntries(judgements),
    negatives: content.negatives.length,
    rejected,
    digest,
    ...(leaks && { leaks }),
  };
}

export function summarise(content: Content, format: string, rejected: number): ImportSummary {
  const digest = digestOfTexts(textsOf(content));
  const leaks = leaksBySplit(content);
  return summaryWith(content, { format, rejected, digest, ...(leaks && { leaks }) });
}
