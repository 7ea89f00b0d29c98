/**
 * Negatives that are searched for while training goes on, put after a row's own.
 *
 * ANCE (arXiv 2007.00808): the collection is encoded anew every so many steps with the weights of that step. The official
 * code (microsoft/ANCE, drivers/run_ann_data_gen.py) does so in a second process that runs behind the trainer, so that its
 * negatives depend on how fast each of the two is. Here training waits for its index: same seed, same weights, bit for bit.
 *
 * ADORE (arXiv 2104.08051): at every step the queries of the batch are searched with the weights of that step in document
 * vectors that never change. The official code (jingtaozhan/DRhard, adore/train.py) trains a query encoder alone, on the
 * 200 nearest with LambdaRank. That is side "queries", loss "lambdaRank", count 200 of ranks 1 to 200, and no in-batch negatives:
 * ranks are then those of the search. With side "both" documents are trained too, while what is searched stays as it was.
 */
import { assert, present } from "../base/assert.ts";
import { finish } from "../base/channel.ts";
import { random } from "../base/random.ts";
import { relay } from "../base/relay.ts";
import type { RequestOf } from "../domain/configNegatives.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { Progress } from "../domain/stages.ts";
import type { MinedByAnce, Refresh, RefreshReport, RowNegative, TrainingRow, TrainingSet } from "../domain/training.ts";
import {
  drawRanks,
  huntFor,
  nearest,
  positionIndex,
  searchNearest,
  vectorsAt,
  type Hunt,
} from "../negatives/refresh.ts";
import { encodeTexts, type Reading } from "./encode.ts";

/** Queries whose rankings are held at once. */
const QUERIES_AT_ONCE = 256;

export interface Refresher {
  /** The training set with the corpus' texts after its own: what the rows of {@link rowsAt} point into. */
  readonly data: TrainingSet;
  /** Whether a step's rows need the update of the step before. */
  readonly everyStep: boolean;
  /** Whether the collection is to be searched anew before `step` (0-based). */
  due(step: number): boolean;
  /** Searches it, with the weights of now, which must be those after `step` steps. Ended early it changes nothing. */
  renew(step: number): AsyncGenerator<Progress, RefreshReport, void>;
  /** `rows` (indices) with the negatives that they have at `step`. */
  rowsAt(step: number, rows: readonly number[]): Promise<readonly TrainingRow[]>;
  /** What a checkpoint has to carry. */
  mined(): MinedByAnce | undefined;
}

export interface RefreshInput extends Reading {
  readonly data: TrainingSet;
  readonly refresh: Refresh;
  readonly seed: number;
}

type Work<Output> = AsyncGenerator<Progress, Output, void>;

interface Search extends RefreshInput {
  readonly hunt: Hunt;
  /** Most documents that are barred for one row: a ranking that much longer has all ranks that are asked for. */
  readonly spare: number;
}

/** The row indices of each query, by its index. */
function rowsByQuery({ queries, rows }: TrainingSet): readonly (readonly number[])[] {
  const groups = queries.map((): number[] => []);
  for (const [row, { query }] of rows.entries()) groups[query]?.push(row);
  return groups;
}

/** ANCE's index of the weights of now. Version 0 has the documents' vectors from before training. */
async function* ancesIndex(search: Search, version: number): Work<ReturnType<typeof positionIndex>> {
  const { refresh, hunt } = search;
  if (version === 0) return positionIndex(hunt.positions, vectorsAt(refresh.vectors, hunt.positions));
  const texts = hunt.positions.map((position) => present(refresh.corpus[position], `document ${position}`));
  return positionIndex(hunt.positions, yield* encodeTexts(search, texts, "document"));
}

/** What a part reports of its own queries, as progress of all `total`; `before` of them are done. */
function* counted<Output>(
  part: Generator<Progress, Output, void>,
  before: number,
  total: number,
): Generator<Progress, Output, void> {
  let result = part.next();
  for (; !result.done; result = part.next()) yield { ...result.value, done: before + result.value.done, total };
  return result.value;
}

async function* mineByAnce(search: Search, request: RequestOf<"ance">, version: number): Work<MinedByAnce> {
  const { data, hunt, seed } = search;
  const index = yield* ancesIndex(search, version);
  const { dimensions, values } = yield* encodeTexts(search, data.queries, "query");
  const documents = new Int32Array(data.rows.length * request.count).fill(-1);
  const rowsOf = rowsByQuery(data);
  for (let at = 0; at < data.queries.length; at += QUERIES_AT_ONCE) {
    const some: Vectors = { dimensions, values: values.slice(at * dimensions, (at + QUERIES_AT_ONCE) * dimensions) };
    const part = searchNearest(index, some, request.last + search.spare);
    const found = yield* counted(part, at, data.queries.length);
    for (const [i, ranked] of found.entries()) {
      for (const row of rowsOf[at + i] ?? []) {
        const source = random(seed, `ance ${version} ${row}`);
        documents.set(drawRanks(ranked, barredFor(hunt, row), request, source), row * request.count);
      }
    }
  }
  return { version, documents };
}

const barredFor = ({ barred }: Hunt, row: number): ReadonlySet<number> => present(barred[row], `row ${row}`);

/** Positions in the corpus that ANCE's last index gave `row`. */
function minedFor(mined: MinedByAnce | undefined, row: number, count: number): readonly number[] {
  return [...(mined?.documents.subarray(row * count, (row + 1) * count) ?? [])].filter((position) => position >= 0);
}

type Searcher = (
  step: number,
  rows: readonly number[],
  taken: readonly (readonly number[])[],
) => Promise<readonly (readonly number[])[]>;

/** ADORE's search: positions for each of `rows`, none of those that are `taken`. */
function adoresSearch(search: Search, request: RequestOf<"adore">, most: number): Searcher {
  const { data, hunt, seed, refresh } = search;
  const index = positionIndex(hunt.positions, vectorsAt(refresh.vectors, hunt.positions));
  return async (step, rows, taken) => {
    const texts = rows.map((row) => present(data.queries[data.rows[row]?.query ?? -1], `the query of row ${row}`));
    const queries = await finish(encodeTexts(search, texts, "query"));
    return nearest(index, queries, request.last + search.spare + most).map((ranked, i) => {
      const row = rows[i] ?? 0;
      const barred = new Set([...barredFor(hunt, row), ...(taken[i] ?? [])]);
      return drawRanks(ranked, barred, request, random(seed, `adore ${step} ${row}`));
    });
  };
}

function searchFor(input: RefreshInput): Search {
  const hunt = huntFor(input.data, input.refresh);
  const { corpus, vectors } = input.refresh;
  const count = vectors.values.length / vectors.dimensions;
  assert(count === corpus.length, `${count} vectors for ${corpus.length} documents`);
  return { ...input, hunt, spare: hunt.barred.reduce((most, { size }) => Math.max(most, size), 0) };
}

/** The set with the collection's texts after its own, and the guide's vectors of both where it has them. */
function withCorpus({ guide, ...data }: TrainingSet, { corpus }: Refresh): TrainingSet {
  const all = { ...data, documents: [...data.documents, ...corpus] };
  if (!guide) return all;
  const [own, more] = [guide.documents.values, present(guide.corpus, "the guide's vectors of the collection").values];
  assert(
    own.length + more.length === all.documents.length * guide.documents.dimensions,
    `${own.length + more.length} numbers of the guide for ${all.documents.length} documents`,
  );
  const values = new Float32Array(own.length + more.length);
  values.set(own);
  values.set(more, own.length);
  return { ...all, guide: { queries: guide.queries, documents: { ...guide.documents, values } } };
}

/** `known`: what the checkpoint carried from which training goes on. */
export function createRefresher(input: RefreshInput, known: MinedByAnce | undefined): Refresher {
  const { data, refresh } = input;
  const ance = refresh.requests.find((request) => request.source === "ance");
  const adore = refresh.requests.find((request) => request.source === "adore");
  const search = searchFor(input);
  const searchAdore = adore && adoresSearch(search, adore, ance?.count ?? 0);
  let mined = ance && known;
  assert(
    !ance || !mined || mined.documents.length === data.rows.length * ance.count,
    `${mined?.documents.length} negatives by ANCE for ${data.rows.length} rows`,
  );
  const negative =
    (source: "ance" | "adore") =>
    (position: number): RowNegative => ({
      source,
      document: data.documents.length + position,
    });
  return {
    data: withCorpus(data, refresh),
    everyStep: adore !== undefined,
    due: (step) => ance !== undefined && step % ance.every === 0 && mined?.version !== step,
    async *renew(step) {
      let seconds = 0;
      mined = yield* relay(
        mineByAnce(search, present(ance, "the request"), step),
        (progress) => progress,
        (more) => (seconds += more),
      );
      return { source: "ance", version: step, documents: refresh.corpus.length, seconds };
    },
    async rowsAt(step, rows) {
      if (ance) {
        const version = step - (step % ance.every);
        assert(
          mined?.version === version,
          `step ${step} has ANCE's index of ${mined?.version ?? "no step"}, not of ${version}`,
        );
      }
      const byAnce = rows.map((row) => (ance ? minedFor(mined, row, ance.count) : []));
      const byAdore = (await searchAdore?.(step, rows, byAnce)) ?? [];
      return rows.map((row, i) => {
        const own = present(data.rows[row], `row ${row}`);
        const more = refresh.requests.flatMap(({ source }) =>
          ((source === "ance" ? byAnce : byAdore)[i] ?? []).map(negative(source)),
        );
        return { ...own, negatives: [...own.negatives, ...more] };
      });
    },
    mined: () => mined,
  };
}
