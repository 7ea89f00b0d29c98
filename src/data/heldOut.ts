/**
 * Documents to measure with where nobody judged anything: each is searched by its title or by one of its sentences,
 * which the text that is searched then lacks. There is one right answer a query (a known item), and it is not trained on.
 */
import { UserError } from "../base/errors.ts";
import { random, shuffled } from "../base/random.ts";
import type { Document, Judgement, Query } from "../domain/collection.ts";
import { queryId, type DocumentId } from "../domain/ids.ts";
import type { Progress } from "../domain/stages.ts";
import { queryKey, sentencePair, titlePair, type DocumentPair } from "./documentPairs.ts";
import { count, countOf } from "./wording.ts";

/** Too few documents to hold some out and train on the others. */
export class TooFewDocuments extends UserError {
  override readonly name = "TooFewDocuments";
}

/** A tenth of the documents, within these bounds. */
const held = { share: 0.1, fewest: 20, most: 500 } as const;

export interface HeldOut {
  /** All documents as they are searched, in their order. */
  readonly documents: readonly Document[];
  readonly ids: ReadonlySet<DocumentId>;
  readonly queries: readonly Query[];
  readonly judgements: readonly Judgement[];
}

interface Item {
  readonly document: Document;
  readonly pair: DocumentPair;
}

/** Its title or a sentence, by the toss of a coin where it can give both. A title that others have names no one document. */
function knownItem(document: Document, titles: ReadonlyMap<string, number>, seed: number): Item | undefined {
  const source = random(seed, `held out ${document.id}`);
  const sentence = () => sentencePair(document, source, 0);
  const title = () => (titles.get(queryKey(document.title)) === 1 ? titlePair(document) : "noTitle");
  const [first, second] = source.next() < 0.5 ? [title, sentence] : [sentence, title];
  const made = first();
  const pair = typeof made === "string" ? second() : made;
  return typeof pair === "string" ? undefined : { document, pair };
}

function titleCounts(documents: readonly Document[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { title } of documents) {
    const key = queryKey(title);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Documents between two reports. */
const documentsPerReport = 64;

/** In random order, those documents without a near-copy that can be searched for; at most half of them are held out. */
function* drawItems(
  documents: readonly Document[],
  copies: ReadonlyMap<number, unknown>,
  seed: number,
): Generator<Progress, readonly Item[], void> {
  const titles = titleCounts(documents);
  const wanted = Math.min(held.most, Math.max(held.fewest, Math.floor(documents.length * held.share)));
  const items: Item[] = [];
  for (const [done, place] of shuffled(documents.keys(), random(seed, "held-out documents")).entries()) {
    if (items.length === 2 * wanted) break;
    const document = documents[place];
    const item = document && !copies.has(place) ? knownItem(document, titles, seed) : undefined;
    if (item) items.push(item);
    if (done % documentsPerReport === 0) yield { done, total: documents.length, unit: "documents" };
  }
  if (items.length < 2 * held.fewest) {
    throw new TooFewDocuments(
      `Only ${count(items.length)} of ${countOf(documents.length, "document")} can be searched for by a title of their own or a ` +
        `sentence: at least ${2 * held.fewest} are needed, half to be held out and measured with, half to train on. ` +
        "Add documents of two sentences or more, or judgements of your own queries.",
    );
  }
  return items.slice(0, Math.min(wanted, Math.floor(items.length / 2)));
}

/**
 * A tenth of the documents, at least 20 and at most 500, drawn by `seed`. `copies`: the places of documents that have a
 * near-copy; those are never held out, as a copy in training would give them away. Errors: {@link TooFewDocuments}.
 */
export function* holdOut(
  documents: readonly Document[],
  copies: ReadonlyMap<number, unknown>,
  seed: number,
): Generator<Progress, HeldOut, void> {
  const items = new Map((yield* drawItems(documents, copies, seed)).map((item) => [item.document.id, item]));
  // In the collection's order, so that tables and files do not follow the draw.
  const inOrder = documents.flatMap(({ id }) => items.get(id) ?? []);
  const idOf = ({ document, pair }: Item) => queryId(`${pair.kind}-${document.id}`);
  return {
    documents: documents.map((document) => {
      const item = items.get(document.id);
      return item ? { ...document, ...item.pair.rest } : document;
    }),
    ids: new Set(items.keys()),
    queries: inOrder.map((item) => ({ id: idOf(item), text: item.pair.query })),
    judgements: inOrder.map((item) => ({ queryId: idOf(item), documentId: item.document.id, grade: 1 })),
  };
}
