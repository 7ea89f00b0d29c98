/** Where each negative of a training row comes from: the sampler with its rank and score, or the draft behind it. */
import { documentText, type Collection } from "../../domain/collection.ts";
import type { Draft } from "../../domain/draft.ts";
import type { WrittenNegative } from "../../domain/negative.ts";
import type { RowNegative, TrainingRow, TrainingSet } from "../../domain/training.ts";

/** What is known beside the rows; texts of the rows are found in it again. */
export interface Origins {
  readonly collection?: Pick<Collection, "documents" | "queries" | "negatives">;
  readonly drafts?: readonly Draft[];
}

/** One negative; what is not known is left out. */
export interface NegativeOrigin {
  readonly column: string;
  readonly source: RowNegative["source"];
  readonly rank?: number;
  readonly score?: number;
  readonly document_id?: string;
  readonly model?: string;
  readonly recipe?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly provider?: string;
  readonly seed?: number;
  readonly attempt?: number;
  /** SHA-256 of query, prompt, model and seed. */
  readonly request_sha256?: string;
  readonly created_at?: string;
  readonly outcome?: Draft["outcome"];
  readonly reviewed?: NonNullable<Draft["review"]>["decision"];
}

export interface RowOrigin {
  readonly query_id?: string;
  readonly positive_id?: string;
  readonly negatives: readonly NegativeOrigin[];
}

const keyOf = (query: string, passage: string): string => JSON.stringify([query, passage]);

const ofDraft = (draft: Draft): Written => ({
  model: draft.model,
  recipe: draft.recipe,
  attributes: draft.attributes,
  provider: draft.provider,
  seed: draft.seed,
  attempt: draft.attempt,
  request_sha256: draft.key,
  created_at: draft.createdAt,
  outcome: draft.outcome,
  ...(draft.review && { reviewed: draft.review.decision }),
});

const ofWritten = ({ model, recipe, attributes }: WrittenNegative): Written => ({
  ...(model !== undefined && { model }),
  ...(recipe !== undefined && { recipe }),
  ...(attributes && { attributes }),
});

type Written = Omit<NegativeOrigin, "column" | "source">;

/** By query and text. A draft goes before what came with the collection, as more is known of it. */
function writtenOrigins({ collection, drafts = [] }: Origins): ReadonlyMap<string, Written> {
  const texts = new Map((collection?.queries ?? []).map(({ id, text }) => [id, text]));
  const written = new Map<string, Written>();
  const add = (passage: Draft | WrittenNegative, origin: Written): void => {
    const key = keyOf(texts.get(passage.queryId) ?? "", documentText(passage));
    if (!written.has(key)) written.set(key, origin);
  };
  for (const draft of drafts) if (draft.outcome !== "rejected") add(draft, ofDraft(draft));
  for (const negative of collection?.negatives ?? []) add(negative, ofWritten(negative));
  return written;
}

/** Of equal texts the first counts. */
function lookup(known: Origins) {
  const { documents: all = [], queries: asked = [] } = known.collection ?? {};
  const documents = new Map(all.toReversed().map((document) => [documentText(document), document.id]));
  const queries = new Map(asked.toReversed().map(({ id, text }) => [text, id]));
  return { documents, queries, written: writtenOrigins(known) };
}

const isWritten = (source: RowNegative["source"]): boolean =>
  source === "synthetic" || source === "human" || source === "given";

/** `columns`: the names of the negatives' columns, in their order. */
export function originsOf(
  { queries, documents }: TrainingSet,
  known: Origins,
): (row: TrainingRow, columns: readonly string[]) => RowOrigin {
  const found = lookup(known);
  const negativeOrigin = (query: string, negative: RowNegative, column: string): NegativeOrigin => {
    const { source, rank, score } = negative;
    const text = documents[negative.document] ?? "";
    const id = found.documents.get(text);
    return {
      column,
      source,
      ...(rank !== undefined && { rank }),
      ...(score !== undefined && Number.isFinite(score) && { score }),
      ...(isWritten(source) ? found.written.get(keyOf(query, text)) : id !== undefined && { document_id: id }),
    };
  };
  return (row, columns) => {
    const query = queries[row.query] ?? "";
    const [queryId, positiveId] = [found.queries.get(query), found.documents.get(documents[row.positive] ?? "")];
    return {
      ...(queryId !== undefined && { query_id: queryId }),
      ...(positiveId !== undefined && { positive_id: positiveId }),
      negatives: columns.flatMap((column, i) => {
        const negative = row.negatives[i];
        return negative ? [negativeOrigin(query, negative, column)] : [];
      }),
    };
  };
}
