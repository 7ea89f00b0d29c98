/**
 * The gate: negatives that may answer their query after all are left out, or made answers of it. Two things speak: the
 * guide's scores, by a positive-aware filter (NV-Retriever, arXiv 2407.15831), and verdicts of a language model on found
 * documents. A verdict to keep does not open the gate to what the filter drops.
 */
import type { FoundVerdict } from "../domain/draft.ts";
import type { Gate } from "../domain/configNegatives.ts";
import type { QueryId } from "../domain/ids.ts";
import type { GatedNegative, GateReport } from "../domain/run.ts";
import type { Candidate, Pool } from "./pools.ts";

/** Gated negatives that a report names; the rest are only counted. */
const MOST_NAMED = 5000;

/**
 * A negative that scores above this is dropped. Of a negative positive score, "95 %" is 5 % of its size below it, not
 * above it, as sentence-transformers' mine_hard_negatives has it (util/hard_negatives.py, relative_margin).
 */
export function highestAllowed(filter: Gate, positive: number): number {
  switch (filter.filter) {
    case "percentage":
      return positive - Math.abs(positive) * (1 - filter.value);
    case "margin":
      return positive - filter.value;
    case "absolute":
      return filter.value;
    default:
      return filter satisfies never;
  }
}

/** ".812", "−.05": as figures stand in a sentence. */
function figure(value: number): string {
  const digits = Math.abs(value).toFixed(3).replace(/^0\./u, ".");
  return value < 0 ? `−${digits}` : digits;
}
const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;

/** "s = .812, positive .790: over 95 % of it." */
function reasonOf(filter: Gate, score: number, positive: number): string {
  const scores = `s = ${figure(score)}, positive ${figure(positive)}`;
  switch (filter.filter) {
    case "percentage":
      return positive >= 0
        ? `${scores}: over ${percent(filter.value)} of it.`
        : `${scores}: less than ${percent(1 - filter.value)} below it.`;
    case "margin":
      return `${scores}: less than ${figure(filter.value)} below it.`;
    case "absolute":
      return `s = ${figure(score)}: over ${figure(filter.value)}.`;
    default:
      return filter satisfies never;
  }
}

export interface GuideScores {
  /** s(q, d+) by the guide; of several positives the least, as sentence-transformers takes it. */
  readonly positive: (queryId: QueryId) => number;
  readonly negative: (queryId: QueryId, candidate: Candidate) => number;
}

export interface GateInput {
  readonly pools: readonly Pool[];
  readonly filter?: { readonly gate: Gate; readonly scores: GuideScores } | undefined;
  readonly verdicts: readonly FoundVerdict[];
}

export interface GateOutcome {
  /** What passed. */
  readonly pools: readonly Pool[];
  readonly report: GateReport;
}

type Decision = Pick<GatedNegative, "action" | "reason"> | undefined;

const pairKey = (queryId: string, documentId: string): string => JSON.stringify([queryId, documentId]);

function decider({ filter, verdicts }: GateInput): (queryId: QueryId, candidate: Candidate) => Decision {
  const judged = new Map(verdicts.map((verdict) => [pairKey(verdict.queryId, verdict.documentId), verdict]));
  return (queryId, candidate) => {
    const { documentId } = candidate;
    const verdict = documentId === undefined ? undefined : judged.get(pairKey(queryId, documentId));
    if (verdict && verdict.action !== "keep")
      return { action: verdict.action, reason: `${verdict.by}: ${verdict.reason}` };
    if (!filter) return undefined;
    const [score, positive] = [filter.scores.negative(queryId, candidate), filter.scores.positive(queryId)];
    if (!(score > highestAllowed(filter.gate, positive))) return undefined;
    return { action: "drop", reason: reasonOf(filter.gate, score, positive) };
  };
}

/** Considers every candidate of every source. A text that several sources gave a query counts once, as the first one's. */
export function passGate(input: GateInput): GateOutcome {
  const decide = decider(input);
  const gated: GatedNegative[] = [];
  let considered = 0;
  function gatePool({ queryId, ...sources }: Pool): Pool {
    const decisions = new Map<string, Decision>();
    const passes = (candidate: Candidate): boolean => {
      const { source, documentId, text } = candidate;
      if (!decisions.has(text)) {
        const decision = decide(queryId, candidate);
        decisions.set(text, decision);
        considered++;
        if (decision) gated.push({ queryId, source, text, ...(documentId && { documentId }), ...decision });
      }
      return decisions.get(text) === undefined;
    };
    return {
      queryId,
      synthetic: sources.synthetic.filter(passes),
      human: sources.human.filter(passes),
      given: sources.given.filter(passes),
      found: sources.found.map((candidates) => candidates.filter(passes)),
    };
  }
  const pools = input.pools.map(gatePool);
  const relabelled = gated.filter(({ action }) => action === "relabel").length;
  const report = { considered, dropped: gated.length - relabelled, relabelled, negatives: gated.slice(0, MOST_NAMED) };
  return { pools, report };
}
