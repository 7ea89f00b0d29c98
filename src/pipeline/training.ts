/** Measuring before, training, measuring after. */
import { present } from "../base/assert.ts";
import { relay } from "../base/relay.ts";
import type { RunProducts, RunReport, SystemResult } from "../domain/run.ts";
import type { Vectors } from "../domain/encoder.ts";
import { systemsOf, type SystemName } from "../domain/ranking.ts";
import type { TrainOutcome } from "../domain/stages.ts";
import type { ReadCorpus, TrainingSet } from "../domain/training.ts";
import { devOf } from "./dev.ts";
import { collectionVectors, indexCollection } from "./guide.ts";
import { knownResults, measureBm25, measureEncoder, type Results } from "./measure.ts";
import { refreshOf } from "./refresh.ts";
import type { Rows } from "./rows.ts";
import { look, measureVariance } from "./snapshots.ts";
import { made, type State, type Work } from "./state.ts";

/** BM25 and the starting encoder, then what the negatives look like to it. `data`: undefined where nothing is trained. */
export async function* beforeStage(state: State, data: TrainingSet | undefined): Work<Results> {
  const bm25 = yield* measureBm25(state);
  // Search results without the vectors that they came from cannot be looked at more closely: both are made again.
  const products = state.start.collection ? (state.input.products ?? {}) : {};
  const before = knownResults(products, "before") ?? (yield* measureStart(state, products));
  if (data) yield* diagnoseBefore(state, data);
  return new Map([...bm25, ...before]);
}

async function* measureStart(state: State, products: RunProducts): Work<Results> {
  yield* indexCollection(state, state.start);
  return yield* measureEncoder(state, "before", products);
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
  state.variance = known ?? (yield* measureVariance(state, data, yield* readOf(state)));
  if (!known) yield made({ name: "variance", value: state.variance });
}

/** Keeps what the result needs of a report of the training. */
function keep(state: State, report: RunReport): void {
  if (report.kind === "step") state.steps.push(report.step);
  if (report.kind === "probe") state.probes.push(report.snapshot);
  if (report.kind === "refreshed") state.refreshes.push(report.refreshed);
  if (report.kind === "dev") state.looks.push(report.dev);
}

/** Only the queries' side trains: the documents' vectors from before are those after. */
const keepsDocuments = ({ input }: State): boolean => input.config.side === "queries";

/** The documents that training takes as they are. */
async function* readOf(state: State): Work<ReadCorpus | undefined> {
  if (!keepsDocuments(state)) return undefined;
  return { corpus: state.corpus.texts, vectors: yield* collectionVectors(state, state.start) };
}

export async function* trainStage(state: State, { data, excluded }: Rows): Work<TrainOutcome> {
  const { services, input, model } = state;
  const { config, checkpoint: resume, checkpointEvery } = input;
  const refresh = yield* refreshOf(state, excluded);
  const dev = yield* devOf(state);
  const read = yield* readOf(state);
  const training = services.encoder.train({
    model,
    data,
    config,
    checkpointEvery,
    ...(resume && { resume }),
    ...(refresh && { refresh }),
    ...(dev && { dev }),
    ...(read && { read }),
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
  /** At the end of the training, whichever weights were kept. */
  readonly steps: number;
}

/** The trained encoder. Where nothing was trained (`trained` undefined) it is the one from before. */
export async function* afterStage(state: State, before: Results, trained: Trained | undefined): Work<Results> {
  const products = state.input.products ?? {};
  if (!trained) return yield* unchanged(products, before);
  const stored = keepsDocuments(state) ? yield* collectionVectors(state, state.start) : products.vectorsAfter;
  const known = stored && knownResults(products, "after");
  const vectors = stored ?? (yield* collectionAfter(state));
  const after = known ?? (yield* measureTrained(state, vectors, products));
  yield* diagnoseAfter(state, trained, vectors);
  return after;
}

/** Every system gives what it gave before. */
async function* unchanged(products: RunProducts, before: Results): Work<Results> {
  const results = new Map<SystemName, SystemResult>();
  for (const { name, by } of systemsOf("after")) {
    const earlier = systemsOf("before").find((system) => system.by === by);
    const result = products[name] ?? present(before.get(earlier?.name ?? "before"), `the result before ${name}`);
    if (!products[name]) yield made({ name, value: result });
    results.set(name, result);
  }
  return results;
}

async function* collectionAfter({ services, input: { config }, corpus, model }: State): Work<Vectors> {
  const vectors = yield* services.encoder.encode({ model, texts: corpus.texts, kind: "document", config });
  yield made({ name: "vectorsAfter", value: vectors });
  return vectors;
}

async function* measureTrained(state: State, vectors: Vectors, products: RunProducts): Work<Results> {
  yield* state.services.retriever.indexVectors({ name: "after", ids: state.corpus.ids, vectors });
  return yield* measureEncoder(state, "after", products);
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
