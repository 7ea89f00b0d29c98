/** Measuring before, training, measuring after. */
import { relay } from "../base/relay.ts";
import type { RunReport, SystemResult } from "../domain/run.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { SystemName } from "../domain/ranking.ts";
import type { TrainOutcome } from "../domain/stages.ts";
import type { TrainingSet } from "../domain/training.ts";
import { collectionVectors } from "./guide.ts";
import { measureAfter, measureBefore, measureBm25 } from "./measure.ts";
import { refreshOf } from "./refresh.ts";
import type { Rows } from "./rows.ts";
import { look, measureVariance } from "./snapshots.ts";
import { made, type State, type Work } from "./state.ts";

type Systems = Readonly<Record<SystemName, SystemResult>>;

/** BM25 and the starting encoder, then what the negatives look like to it. `data`: undefined where nothing is trained. */
export async function* beforeStage(
  state: State,
  data: TrainingSet | undefined,
): Work<Pick<Systems, "bm25" | "before">> {
  const { input, services, splits } = state;
  const { bm25: knownBm25, before: known } = input.products ?? {};
  const bm25 = knownBm25 ?? (yield* measureBm25(services, input, splits.evaluation));
  if (!knownBm25) yield made({ name: "bm25", value: bm25 });
  // Search results without the vectors that they came from cannot be looked at more closely: both are made again.
  const before = known && state.start.collection ? known : yield* measureBefore(state);
  if (before !== known) yield made({ name: "before", value: before });
  if (data) yield* diagnoseBefore(state, data);
  return { bm25, before };
}

async function* diagnoseBefore(state: State, data: TrainingSet): Work<void> {
  const { config, products } = state.input;
  if (config.probes > 0) {
    const known = products?.snapshotBefore;
    const collection = yield* collectionVectors(state, state.start);
    const taken = known ?? (yield* look(state, { data, step: 0, collection }));
    if (!known) yield made({ name: "snapshotBefore", value: taken });
    state.probes.push(taken);
  }
  if (config.varianceBatches === 0) return;
  const known = products?.variance;
  state.variance = known ?? (yield* measureVariance(state, data));
  if (!known) yield made({ name: "variance", value: state.variance });
}

/** Keeps what the result needs of a report of the training. */
function keep(state: State, report: RunReport): void {
  if (report.kind === "step") state.steps.push(report.step);
  if (report.kind === "probe") state.probes.push(report.snapshot);
  if (report.kind === "refreshed") state.refreshes.push(report.refreshed);
}

export async function* trainStage(state: State, { data, excluded }: Rows): Work<TrainOutcome> {
  const { services, input, model } = state;
  const { config, checkpoint: resume, checkpointEvery } = input;
  const refresh = yield* refreshOf(state, excluded);
  const training = services.encoder.train({
    model,
    data,
    config,
    checkpointEvery,
    ...(resume && { resume }),
    ...(refresh && { refresh }),
  });
  const outcome = yield* relay(training, (report) => {
    if (report.kind === "progress") return report.progress;
    keep(state, report);
    return report;
  });
  yield { kind: "checkpoint", checkpoint: outcome.checkpoint };
  return outcome;
}

interface Trained {
  readonly data: TrainingSet;
  readonly steps: number;
}

/** The trained encoder. Where nothing was trained (`trained` undefined) it is the one from before. */
export async function* afterStage(
  state: State,
  before: SystemResult,
  trained: Trained | undefined,
): Work<SystemResult> {
  const { after: known, vectorsAfter } = state.input.products ?? {};
  if (!trained) {
    if (!known) yield made({ name: "after", value: before });
    return known ?? before;
  }
  const measured =
    known && vectorsAfter ? { result: known, vectors: vectorsAfter } : yield* measureAfter(state, vectorsAfter);
  if (!vectorsAfter) yield made({ name: "vectorsAfter", value: measured.vectors });
  if (measured.result !== known) yield made({ name: "after", value: measured.result });
  yield* diagnoseAfter(state, trained, measured.vectors);
  return measured.result;
}

async function* diagnoseAfter(state: State, { data, steps }: Trained, collection: Vectors): Work<void> {
  const { config, products } = state.input;
  if (config.probes === 0) return;
  const known = products?.snapshotAfter;
  const taken = known ?? (yield* look(state, { data, step: steps, collection }));
  if (!known) yield made({ name: "snapshotAfter", value: taken });
  // Before the probes: of two looks at the last step, this one counts.
  state.probes.unshift(taken);
}
