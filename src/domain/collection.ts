/** A retrieval collection: documents, queries, and judgements of which document answers which query. */
import type { DocumentId, QueryId } from "./ids.ts";
import type { WrittenNegative } from "./negative.ts";

export interface Document {
  readonly id: DocumentId;
  /** May be empty. */
  readonly title: string;
  readonly text: string;
}

export interface Query {
  readonly id: QueryId;
  readonly text: string;
}

/** How well a document answers a query: 0 not at all, higher is better (TREC qrels). */
export interface Judgement {
  readonly queryId: QueryId;
  readonly documentId: DocumentId;
  readonly grade: number;
}

/** Judgements by split name, as the file names under qrels/ give them: "train", "dev", "test", … */
export type Judgements = Readonly<Record<string, readonly Judgement[]>>;

export interface Collection {
  readonly name: string;
  readonly documents: readonly Document[];
  readonly queries: readonly Query[];
  readonly judgements: Judgements;
  /** Negatives that came with the collection: synthetic ones with their reasoning, or given ones. */
  readonly negatives: readonly WrittenNegative[];
}

/** How far an evaluation split's queries are given away by the training queries. Only queries with a relevant document count. */
export interface LeakReport {
  readonly queries: number;
  /** Evaluation queries that share a relevant document with a training query. */
  readonly sharedDocument: number;
  /** Evaluation queries that nearly repeat a training query (word Jaccard ≥ .7). */
  readonly nearCopy: number;
  /** Evaluation queries that are neither. Missing in what was stored before it was counted. */
  readonly clean?: number;
  /** The training queries are titles and sentences of the documents: to share one gives no judgement away, and is not counted. */
  readonly madeOfDocuments?: true;
}

/** A row that an import left out, and why. */
export interface RejectedRow {
  readonly file: string;
  /** 1-based; 0 where the reason concerns the whole file. */
  readonly line: number;
  readonly reason: string;
  /** The start of the row, at most 200 characters. */
  readonly excerpt: string;
}

/** What the encoder reads of a document: title and text in one string (BEIR's convention: title, a space, text). */
export function documentText(document: Pick<Document, "title" | "text">): string {
  return `${document.title} ${document.text}`.trim();
}
