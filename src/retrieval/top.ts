/** The best few of many scores, in one pass: a bounded heap whose root is the worst document that is still in. */
import type { DocumentId } from "../domain/ids.ts";
import type { Hit } from "../domain/ranking.ts";

/** What is searched: document numbers are indices into both. */
export interface Numbered {
  readonly ids: readonly DocumentId[];
  /** From {@link placesOf}. */
  readonly places: Uint32Array;
}

export interface Top {
  /** The score is rounded to float32, so that programs that read scores as float see the same order. */
  offer(document: number, score: number): void;
  /** What a score must reach to change anything: the worst that is still in, −∞ while there is room, ∞ where there never is. */
  least(): number;
  /** Best first, and empties the heap. */
  drain(): Hit[];
}

/** Keeps the best `depth` documents; ties as in order.ts. */
export function top(depth: number, { ids, places }: Numbered): Top {
  const capacity = Math.min(depth, ids.length);
  const documents = new Uint32Array(capacity);
  const scores = new Float32Array(capacity);
  let size = 0;

  const scoreAt = (i: number): number => scores[i] ?? 0;
  const placeAt = (i: number): number => places[documents[i] ?? 0] ?? 0;
  const isWorse = (i: number, j: number): boolean =>
    scoreAt(i) < scoreAt(j) || (scoreAt(i) === scoreAt(j) && placeAt(i) > placeAt(j));

  function set(i: number, document: number, score: number): void {
    documents[i] = document;
    scores[i] = score;
  }

  function swap(i: number, j: number): void {
    const [document, score] = [documents[i] ?? 0, scoreAt(i)];
    set(i, documents[j] ?? 0, scoreAt(j));
    set(j, document, score);
  }

  function rise(from: number): void {
    for (let i = from; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!isWorse(i, parent)) return;
      swap(i, parent);
      i = parent;
    }
  }

  function sink(): void {
    for (let i = 0; ;) {
      let worst = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < size && isWorse(child, worst)) worst = child;
      if (worst === i) return;
      swap(i, worst);
      i = worst;
    }
  }

  const least = (): number => (size < capacity ? -Infinity : capacity === 0 ? Infinity : scoreAt(0));

  function offer(document: number, exact: number): void {
    const score = Math.fround(exact);
    if (size < capacity) {
      set(size, document, score);
      rise(size++);
    } else if (score > least() || (score === least() && (places[document] ?? 0) < placeAt(0))) {
      set(0, document, score);
      sink();
    }
  }

  function drain(): Hit[] {
    const hits: Hit[] = [];
    while (size > 0) {
      const documentId = ids[documents[0] ?? 0];
      if (documentId !== undefined) hits.push({ documentId, score: scoreAt(0) });
      size--;
      set(0, documents[size] ?? 0, scoreAt(size));
      sink();
    }
    return hits.reverse();
  }

  return { offer, least, drain };
}
