/** From rows of texts to what an engine trains on: packed token ids and candidate lists. */
import { assert, present } from "../base/assert.ts";
import { isWritten } from "../domain/configNegatives.ts";
import { roles, type ContrastiveBatch, type PackedTexts } from "../domain/engine.ts";
import type { TrainingRow, TrainingSet } from "../domain/training.ts";
import { candidatesOf, guideScore, queriesFor, type BatchConfig, type Candidate } from "./candidates.ts";
import type { FixedDocuments } from "./fixed.ts";

export type Tokenize = (text: string, kind: "query" | "document") => readonly number[];

/** Texts back to back. */
export function packTexts(texts: readonly (readonly number[])[]): PackedTexts {
  const cuSeqlens = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) cuSeqlens[i + 1] = (cuSeqlens[i] ?? 0) + text.length;
  const tokenIds = new Int32Array(cuSeqlens[texts.length] ?? 0);
  for (const [i, text] of texts.entries()) tokenIds.set(text, cuSeqlens[i]);
  return { tokenIds, cuSeqlens };
}

/** A training set, and the vectors of its documents where only queries train. */
export interface BatchSet extends TrainingSet {
  readonly fixed?: FixedDocuments;
}

/**
 * Numbers the distinct texts of a batch in first-seen order, so that each is encoded once. A document that stays as it is counts
 * from the last text on: all queries must be numbered before the first of these.
 */
function textTable(data: BatchSet, tokenize: Tokenize) {
  const index = new Map<string, number>();
  const texts: (readonly number[])[] = [];
  const rows: Float32Array[] = [];
  const add = (text: string, kind: "query" | "document"): number => {
    if (kind === "document" && data.fixed) return texts.length + rows.push(data.fixed.vectorOf(text)) - 1;
    assert(rows.length === 0, "a text after the first fixed document");
    return texts.push(tokenize(text, kind)) - 1;
  };
  const of = (kind: "query" | "document", at: number): number => {
    const text = present((kind === "query" ? data.queries : data.documents)[at], `${kind} ${at}`);
    const key = `${kind}:${text}`;
    const number = index.get(key) ?? add(text, kind);
    index.set(key, number);
    return number;
  };
  return { texts, rows, of };
}

/** A query of the batch, as indices of its texts. */
interface List {
  readonly query: number;
  readonly candidates: readonly number[];
  readonly roles?: readonly number[];
  readonly targets?: readonly number[];
}

/** The positive is none of this. */
function roleOf({ source }: Candidate, j: number, { hardness }: BatchConfig): number {
  if (j === 0) return 0;
  const written = source !== undefined && isWritten(source);
  const hardened = { all: true, own: source !== undefined, written }[hardness?.on ?? "all"];
  const own = source === undefined ? 0 : written ? roles.written : roles.found;
  return own | (hardness && hardened ? roles.hardened : 0);
}

/** What a loss has to know of the candidates besides. */
function marks(data: TrainingSet, { query }: TrainingRow, candidates: readonly Candidate[], config: BatchConfig) {
  const { loss, hardness, entropy, marginScale = 1 } = config;
  return {
    ...((hardness || entropy) && { roles: candidates.map((candidate, j) => roleOf(candidate, j, config)) }),
    ...(loss === "marginMSE" && {
      targets: candidates.map(({ document }) => marginScale * guideScore(data, query, document)),
    }),
  };
}

function listsOf(
  data: BatchSet,
  rows: readonly TrainingRow[],
  config: BatchConfig,
  table: ReturnType<typeof textTable>,
): readonly List[] {
  const queries = rows.map(({ query }) => table.of("query", query));
  const compared = rows.map((row) => candidatesOf({ data, rows, row, config }));
  // Texts are numbered in this order: queries, each row's own passages, and only then what other rows do not have.
  compared.forEach((candidates) =>
    candidates.forEach(({ document, source }, j) => (j === 0 || source) && table.of("document", document)),
  );
  const lists = rows.map((row, b): List => {
    const candidates = present(compared[b], "candidates");
    const texts = candidates.map(({ document }) => table.of("document", document));
    return { query: present(queries[b], "query"), candidates: texts, ...marks(data, row, candidates, config) };
  });
  if (!config.symmetric) return lists;
  const backwards = rows.map((row): List => {
    const candidates = queriesFor({ data, rows, row, config }).map((query) => table.of("query", query));
    return { query: table.of("document", row.positive), candidates };
  });
  return [...lists, ...backwards];
}

/** A list's numbers, or as many zeros: nothing of a query that stands in for a passage has a role. */
const flat = (lists: readonly List[], numbers: (list: List) => readonly number[] | undefined): number[] =>
  lists.flatMap((list) => numbers(list) ?? list.candidates.map(() => 0));

/** (F, H) */
function stacked(rows: readonly Float32Array[], dimensions: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(rows.length * dimensions);
  rows.forEach((row, f) => values.set(row, f * dimensions));
  return values;
}

/**
 * The batch of `rows`: each row's query with its candidates; with `symmetric` then each row's positive with its queries.
 * Both directions have as many lists, so that the mean over all is the mean of the two. Where a guide's scores are asked
 * for, `data` must have its vectors. Where it has those of its documents, queries are the only texts.
 */
export function contrastiveBatch(
  data: BatchSet,
  rows: readonly TrainingRow[],
  config: BatchConfig,
  tokenize: Tokenize,
): ContrastiveBatch {
  const table = textTable(data, tokenize);
  const lists = listsOf(data, rows, config, table);
  const offsets = new Int32Array(lists.length + 1);
  for (const [b, { candidates }] of lists.entries()) offsets[b + 1] = (offsets[b] ?? 0) + candidates.length;
  return {
    texts: packTexts(table.texts),
    queries: Int32Array.from(lists, ({ query }) => query),
    offsets,
    candidates: Int32Array.from(flat(lists, ({ candidates }) => candidates)),
    ...(data.fixed && { fixed: stacked(table.rows, data.fixed.dimensions) }),
    ...(lists.some(({ roles }) => roles) && { roles: Int32Array.from(flat(lists, ({ roles }) => roles)) }),
    ...(lists.some(({ targets }) => targets) && { targets: Float32Array.from(flat(lists, ({ targets }) => targets)) }),
  };
}
