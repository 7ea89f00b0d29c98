/**
 * Mixing: from judged pairs, written negatives and found negatives to training rows. The default is SyNeg's hybrid mix:
 * every (query, positive) gets its own synthetic negatives and its own found ones (arXiv 2412.17250, as summarised by
 * its readers), so that no row lacks either kind.
 */
import { present } from "../base/assert.ts";
import { documentText, type Collection, type Document, type Judgement } from "../domain/collection.ts";
import type { Config, NegativeRequest } from "../domain/config.ts";
import type { DocumentId, QueryId } from "../domain/ids.ts";
import type { FoundNegative, NegativeSource, WrittenNegative } from "../domain/negative.ts";
import type { TrainingRow, TrainingSet } from "../domain/training.ts";

/** Candidates of one query by source, in the order in which they are to be taken. */
export type FoundBySource = Readonly<Partial<Record<NegativeRequest["source"], readonly FoundNegative[]>>>;

export interface MixInput {
  readonly collection: Collection;
  /** Of the training split. */
  readonly judgements: readonly Judgement[];
  readonly found: ReadonlyMap<QueryId, FoundBySource>;
  readonly config: Pick<Config, "negatives" | "mix">;
}

export interface MixOutcome {
  readonly trainingSet: TrainingSet;
  readonly rows: number;
  /** Rows that got fewer synthetic negatives than the recipe asks for. */
  readonly lackingSynthetic: number;
  /** Rows with fewer negatives than the recipe asks for, whatever the source. */
  readonly short: number;
}

interface Candidate {
  readonly source: NegativeSource;
  readonly text: string;
}

/** The training pairs: each query with the documents of its highest grade. */
export function trainingPairs(
  judgements: readonly Judgement[],
): { readonly queryId: QueryId; readonly documentId: DocumentId }[] {
  const best = new Map<QueryId, number>();
  for (const { queryId, grade } of judgements) best.set(queryId, Math.max(best.get(queryId) ?? 0, grade));
  return judgements.filter(({ queryId, grade }) => grade > 0 && grade === best.get(queryId));
}

/** Numbers texts in first-seen order. */
function table() {
  const index = new Map<string, number>();
  const add = (text: string): number => {
    const known = index.get(text) ?? index.size;
    index.set(text, known);
    return known;
  };
  return { add, texts: () => [...index.keys()] };
}

function byQuery(negatives: readonly WrittenNegative[]): ReadonlyMap<QueryId, readonly WrittenNegative[]> {
  const groups = new Map<QueryId, WrittenNegative[]>();
  for (const negative of negatives) groups.set(negative.queryId, [...(groups.get(negative.queryId) ?? []), negative]);
  return groups;
}

interface Pools {
  readonly synthetic: readonly Candidate[];
  /** By request: given negatives first, then the sampler's. */
  readonly found: readonly { readonly count: number; readonly candidates: readonly Candidate[] }[];
}

/** Takes `count` texts that are not taken yet. */
function take(candidates: readonly Candidate[], count: number, taken: Set<string>): Candidate[] {
  const result: Candidate[] = [];
  for (const candidate of candidates) {
    if (result.length === count) break;
    if (taken.has(candidate.text)) continue;
    taken.add(candidate.text);
    result.push(candidate);
  }
  return result;
}

interface Wanted {
  readonly synthetic: number;
  readonly mix: Config["mix"];
}

/** The negatives of one row: the synthetic ones, the found ones, and more found ones where synthetic ones lack. */
function rowNegatives(pools: Pools, wanted: Wanted, positive: string) {
  const taken = new Set([positive]);
  const synthetic = wanted.mix === "found" ? [] : take(pools.synthetic, wanted.synthetic, taken);
  if (wanted.mix === "synthetic") return { negatives: synthetic, lacking: wanted.synthetic - synthetic.length };
  const found = pools.found.flatMap(({ count, candidates }) => take(candidates, count, taken));
  const lacking = wanted.mix === "found" ? 0 : wanted.synthetic - synthetic.length;
  const asked = lacking + pools.found.reduce((sum, { count }) => sum + count, 0);
  const more = pools.found.flatMap(({ candidates }) => candidates);
  return { negatives: [...synthetic, ...found, ...take(more, asked - found.length, taken)], lacking };
}

function poolsOf(
  written: readonly WrittenNegative[],
  found: FoundBySource,
  input: MixInput,
  documents: ReadonlyMap<DocumentId, Document>,
): Pools {
  const texts = (source: NegativeSource) =>
    written
      .filter((negative) => negative.source === source)
      .map((negative): Candidate => ({ source, text: documentText(negative) }));
  const requests = input.config.negatives.filter(({ source }) => source !== "synthetic");
  return {
    synthetic: texts("synthetic"),
    found: requests.map(({ source, count }) => ({
      count,
      candidates: [
        ...texts("given"),
        ...(found[source] ?? []).map((negative): Candidate => ({
          source: negative.source,
          text: documentText(present(documents.get(negative.documentId), `document ${negative.documentId}`)),
        })),
      ],
    })),
  };
}

/** Rows for every training pair; under "synthetic", rows without a single negative are left out. */
export function mix(input: MixInput): MixOutcome {
  const { collection, config } = input;
  const documents = new Map(collection.documents.map((document) => [document.id, document]));
  const queries = new Map(collection.queries.map((query) => [query.id, query.text]));
  const written = byQuery(collection.negatives);
  const synthetic = config.negatives.reduce((sum, { source, count }) => sum + (source === "synthetic" ? count : 0), 0);
  const asked = requested(config);
  const [queryTable, documentTable] = [table(), table()];
  const rows: TrainingRow[] = [];
  let [lackingSynthetic, short] = [0, 0];
  for (const { queryId, documentId } of trainingPairs(input.judgements)) {
    const positive = documentText(present(documents.get(documentId), `document ${documentId}`));
    const pools = poolsOf(written.get(queryId) ?? [], input.found.get(queryId) ?? {}, input, documents);
    const { negatives, lacking } = rowNegatives(pools, { synthetic, mix: config.mix }, positive);
    if (lacking > 0) lackingSynthetic++;
    if (negatives.length === 0 && config.mix === "synthetic") continue;
    if (negatives.length < asked) short++;
    rows.push({
      query: queryTable.add(present(queries.get(queryId), `query ${queryId}`)),
      positive: documentTable.add(positive),
      negatives: negatives.map(({ source, text }) => ({ source, document: documentTable.add(text) })),
    });
  }
  const trainingSet = { queries: queryTable.texts(), documents: documentTable.texts(), rows };
  return { trainingSet, rows: rows.length, lackingSynthetic, short };
}

/** Negatives a row, as the recipe asks. */
export function requested({ negatives, mix: how }: Pick<Config, "negatives" | "mix">): number {
  const counted = negatives.filter(
    ({ source }) => how === "hybrid" || (source === "synthetic") === (how === "synthetic"),
  );
  return counted.reduce((sum, { count }) => sum + count, 0);
}
