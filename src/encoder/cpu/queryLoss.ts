/** The losses of one query over its candidates and their derivatives by its scores, in double precision. */
import { roles, type LossSettings } from "../../domain/engine.ts";

/** A query as its loss sees it: one entry a candidate, the positive first. */
export interface ScoredQuery {
  /** Cosines. */
  readonly scores: Float64Array;
  readonly roles?: Int32Array | undefined;
  readonly targets?: Float32Array | undefined;
}

export interface QueryLoss {
  readonly loss: number;
  /** By each cosine. */
  readonly dScores: Float64Array;
}

export function lossOfQuery(query: ScoredQuery, settings: LossSettings): QueryLoss {
  const loss = settings.loss ?? "infonce";
  switch (loss) {
    case "infonce":
      return infoNce(query, settings);
    case "marginMSE":
      return marginMse(query);
    case "lambdaRank":
      return lambdaRank(query, settings);
    default:
      return loss satisfies never;
  }
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
const highest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, value), -Infinity);

/** −log softmax(z)[0] (van den Oord et al., 2018). */
function infoNce({ scores, roles: given }: ScoredQuery, { temperature, hardness }: LossSettings): QueryLoss {
  const z = scores.map((score, j) => {
    const logit = score / temperature;
    return hardness && (given?.[j] ?? 0) & roles.hardened ? logit + hardness * score : logit;
  });
  const most = highest(z);
  const sum = z.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  const dScores = z.map((logit, j) => (Math.exp(logit - most) / sum - (j === 0 ? 1 : 0)) / temperature);
  return { loss: most + Math.log(sum) - (z[0] ?? 0), dScores };
}

/** Mean over the negatives of ((s₀ − sⱼ) − (t₀ − tⱼ))² (Hofstätter et al., 2020, arXiv 2010.02666); 0 where there is none. */
function marginMse({ scores, targets }: ScoredQuery): QueryLoss {
  const negatives = scores.length - 1;
  const off = scores.map((score, j) => {
    const margin = (scores[0] ?? 0) - score;
    return margin - ((targets?.[0] ?? NaN) - (targets?.[j] ?? NaN));
  });
  const loss = off.reduce((sum, by) => sum + by * by, 0) / Math.max(negatives, 1);
  const dScores = off.map((by) => (-2 * by) / Math.max(negatives, 1));
  dScores[0] = -total(dScores.subarray(1));
  return { loss, dScores };
}

/** Ranks beyond it count as none (DRhard: adore/train.py, metric_cut 200). */
const DEPTH = 200;

/** 1 / rank of each candidate by its score, 0 beyond {@link DEPTH}; of equal scores the earlier ranks higher. */
function reciprocalRanks(scores: Float64Array): Float64Array {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const reciprocal = new Float64Array(scores.length);
  for (const [i, candidate] of order.entries()) reciprocal[candidate] = i < DEPTH ? 1 / (i + 1) : 0;
  return reciprocal;
}

/**
 * Mean over the negatives of |1/r₀ − 1/rⱼ| · log(1 + exp(−(z₀ − zⱼ))), z = s / τ, r the ranks among the candidates and
 * constants (ADORE: Zhan et al., 2021, arXiv 2104.08051; its code also takes the mean over pairs, and σ = 1).
 */
function lambdaRank({ scores }: ScoredQuery, { temperature }: LossSettings): QueryLoss {
  const ranks = reciprocalRanks(scores);
  const negatives = Math.max(scores.length - 1, 1);
  let loss = 0;
  const dScores = scores.map((score, j) => {
    const weight = Math.abs((ranks[0] ?? 0) - (ranks[j] ?? 0)) / negatives;
    const behind = (score - (scores[0] ?? 0)) / temperature;
    // The positive's weight against itself is 0.
    loss += weight * (Math.max(behind, 0) + Math.log1p(Math.exp(-Math.abs(behind))));
    return weight / (1 + Math.exp(-behind)) / temperature;
  });
  dScores[0] = -total(dScores.subarray(1));
  return { loss, dScores };
}

/**
 * CausalNeg's entropy term (arXiv 2606.01304) over a query's own negatives: p = softmax(s / τ), G the share of the written
 * ones, p̂ their shares of G: −H(p̂) + (G − written / all)². Undefined where none is written. Query and found negatives
 * are constants: the derivatives belong to the written candidates' vectors alone.
 */
export function entropyTerm(
  { scores, roles: given = new Int32Array(0) }: ScoredQuery,
  temperature: number,
): QueryLoss | undefined {
  const is = (role: number) => (_: number, j: number) => ((given[j] ?? 0) & role) !== 0;
  const z = scores.map((score) => score / temperature);
  const [written, found] = [z.filter(is(roles.written)), z.filter(is(roles.found))];
  if (written.length === 0) return undefined;
  const most = highest(written);
  const logSum = most + Math.log(written.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  const entropy = written.reduce((sum, logit) => sum - Math.exp(logit - logSum) * (logit - logSum), 0);
  // Of all: 1 / (1 + Σ exp(found) / Σ exp(written)).
  const share = 1 / (1 + found.reduce((sum, logit) => sum + Math.exp(logit - logSum), 0));
  const excess = share - written.length / (written.length + found.length);
  const dScores = z.map((logit, j) => {
    if (!is(roles.written)(logit, j)) return 0;
    const own = Math.exp(logit - logSum);
    return (own * (logit - logSum + entropy + 2 * excess * share * (1 - share))) / temperature;
  });
  return { loss: excess * excess - entropy, dScores };
}
