/** The loss of a batch and its gradient by the vectors, in double precision. */
import { assert } from "../../base/assert.ts";
import { queriesWithWritten, type ContrastiveBatch, type LossSettings } from "../../domain/engine.ts";
import { entropyTerm, lossOfQuery, type ScoredQuery } from "./queryLoss.ts";
import { unitVectors } from "./tokens.ts";
import { throughNorm } from "./unit.ts";

export interface Loss {
  /** Mean over queries. */
  readonly loss: number;
  /** (S, H) */
  readonly dEmbeddings: Float64Array<ArrayBuffer>;
}

/** (S, width) unit vectors. */
interface Units {
  readonly width: number;
  readonly values: Float32Array;
}

/** The loss on `embeddings` (S, H), unit vectors, and the batch's fixed ones; or the mean of those on their prefixes. */
export function lossOf(
  embeddings: Float32Array,
  hidden: number,
  batch: ContrastiveBatch,
  settings: LossSettings,
): Loss {
  const { fixed } = batch;
  if (!fixed) return lossOnAll(embeddings, hidden, batch, settings);
  assert(fixed.length % hidden === 0, `fixed vectors of ${fixed.length} numbers for a width of ${hidden}`);
  const all = new Float32Array(embeddings.length + fixed.length);
  all.set(embeddings);
  all.set(fixed, embeddings.length);
  const { loss, dEmbeddings } = lossOnAll(all, hidden, batch, settings);
  return { loss, dEmbeddings: dEmbeddings.slice(0, embeddings.length) };
}

function lossOnAll(embeddings: Float32Array, hidden: number, batch: ContrastiveBatch, settings: LossSettings): Loss {
  const { dimensions } = settings;
  if (!dimensions) return lossOn({ width: hidden, values: embeddings }, batch, settings);
  const dEmbeddings = new Float64Array(embeddings.length);
  let loss = 0;
  for (const width of dimensions) {
    const prefixes = prefixesOf(embeddings, hidden, width);
    const part = lossOn({ width, values: unitVectors({ values: prefixes, hidden: width }) }, batch, settings);
    loss += part.loss / dimensions.length;
    eachRow(prefixes, width, (prefix, text) => {
      throughNorm(prefix, { values: part.dEmbeddings, at: text * width });
      for (let h = 0; h < width; h++) {
        const at = text * hidden + h;
        dEmbeddings[at] = (dEmbeddings[at] ?? 0) + (prefix[h] ?? 0) / dimensions.length;
      }
    });
  }
  return { loss, dEmbeddings };
}

function eachRow(values: Float64Array, width: number, visit: (row: Float64Array, index: number) => void): void {
  for (let at = 0; at < values.length; at += width) visit(values.subarray(at, at + width), at / width);
}

/** The first `width` numbers of each vector. */
function prefixesOf(embeddings: Float32Array, hidden: number, width: number): Float64Array {
  assert(width <= hidden, `a prefix of ${width} of ${hidden} dimensions`);
  const prefixes = new Float64Array((embeddings.length / hidden) * width);
  eachRow(prefixes, width, (row, text) => row.set(embeddings.subarray(text * hidden, text * hidden + width)));
  return prefixes;
}

function scoredQuery({ values, width }: Units, batch: ContrastiveBatch, b: number): ScoredQuery {
  const [from, to] = [batch.offsets[b], batch.offsets[b + 1]];
  const query = (batch.queries[b] ?? 0) * width;
  const score = (text: number) => dot(values, query, text * width, width);
  return {
    scores: Float64Array.from(batch.candidates.subarray(from, to), score),
    roles: batch.roles?.subarray(from, to),
    targets: batch.targets?.subarray(from, to),
  };
}

function lossOn(units: Units, batch: ContrastiveBatch, settings: LossSettings): Loss {
  const { queries } = batch;
  const { entropy } = settings;
  assert(batch.roles !== undefined || (!settings.hardness && !entropy), "the candidates have no roles");
  assert(batch.targets !== undefined || settings.loss !== "marginMSE", "the candidates have no targets");
  const dEmbeddings = new Float64Array(units.values.length);
  const withWritten = entropy ? queriesWithWritten(batch) : 0;
  let sum = 0;
  let entropySum = 0;
  for (let b = 0; b < queries.length; b++) {
    const scored = scoredQuery(units, batch, b);
    const { loss, dScores } = lossOfQuery(scored, settings);
    sum += loss;
    const term = entropy && entropyTerm(scored, entropy.temperature);
    entropySum += term?.loss ?? 0;
    scatter(units, batch, b, {
      dEmbeddings,
      both: dScores.map((d) => d / queries.length),
      toCandidates: term?.dScores.map((d) => ((entropy?.weight ?? 0) * d) / withWritten),
    });
  }
  const weighted = entropy && withWritten > 0 ? (entropy.weight * entropySum) / withWritten : 0;
  return { loss: sum / queries.length + weighted, dEmbeddings };
}

interface Target {
  readonly dEmbeddings: Float64Array;
  /** By each score: what query and candidate get, and what the candidate gets besides. */
  readonly both: Float64Array;
  readonly toCandidates: Float64Array | undefined;
}

/** Adds the gradient by query b's scores to those of its own and its candidates' vectors. */
function scatter(
  { values, width }: Units,
  batch: ContrastiveBatch,
  b: number,
  { dEmbeddings, both, toCandidates }: Target,
): void {
  const query = (batch.queries[b] ?? 0) * width;
  batch.candidates.subarray(batch.offsets[b], batch.offsets[b + 1]).forEach((text, j) => {
    const toQuery = both[j] ?? 0;
    const toCandidate = toQuery + (toCandidates?.[j] ?? 0);
    const candidate = text * width;
    for (let h = 0; h < width; h++) {
      dEmbeddings[query + h] = (dEmbeddings[query + h] ?? 0) + toQuery * (values[candidate + h] ?? 0);
      dEmbeddings[candidate + h] = (dEmbeddings[candidate + h] ?? 0) + toCandidate * (values[query + h] ?? 0);
    }
  });
}

function dot(x: Float32Array, a: number, b: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (x[a + i] ?? 0) * (x[b + i] ?? 0);
  return sum;
}
