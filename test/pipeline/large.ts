/**
 * Mining 100,000 documents in a process of its own, so that its memory can be measured: a real retriever, and an encoder
 * that gives random unit vectors, as wide as a small published encoder's. Prints one line of JSON.
 */
import { random } from "../../src/base/random.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { parseConfig } from "../../src/domain/config.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { EncoderStages } from "../../src/domain/stages.ts";
import { run } from "../../src/pipeline/run.ts";
import { createRetriever } from "../../src/retrieval/service.ts";

const DOCUMENTS = 100_000;
const QUERIES = 200;
const DIMENSIONS = 384;

/** Words as frequent as words are: the n-th about 1/n times as often as the first. */
function sentence(source: ReturnType<typeof random>, words: number): string {
  return Array.from({ length: words }, () => `w${Math.floor(20_000 ** source.next())}`).join(" ");
}

function collectionOf(): Collection {
  const source = random(1, "large");
  const query = (i: number) => ({ id: queryId(`q${i}`), text: sentence(source, 6) });
  const judge = (from: number) =>
    Array.from({ length: QUERIES }, (_, i) => ({
      queryId: queryId(`q${from + i}`),
      documentId: documentId(`d${i}`),
      grade: 1,
    }));
  return {
    name: "large",
    documents: Array.from({ length: DOCUMENTS }, (_, i) => ({
      id: documentId(`d${i}`),
      title: `title ${i}`,
      text: sentence(source, 25),
    })),
    queries: Array.from({ length: QUERIES + 1 }, (_, i) => query(i)),
    judgements: { train: judge(0), test: judge(QUERIES).slice(0, 1) },
    negatives: [],
  };
}

function unitVectors(count: number, seed: number): Float32Array<ArrayBuffer> {
  const source = random(seed, "vectors");
  const values = new Float32Array(count * DIMENSIONS);
  for (let i = 0; i < count; i++) {
    let squares = 0;
    for (let k = i * DIMENSIONS; k < (i + 1) * DIMENSIONS; k++) squares += (values[k] = source.next() - 0.5) ** 2;
    for (let k = i * DIMENSIONS; k < (i + 1) * DIMENSIONS; k++) values[k] = (values[k] ?? 0) / Math.sqrt(squares);
  }
  return values;
}

const encoder = {
  async *open() {
    return { model: 1, card: { shape: { family: "static", hidden: DIMENSIONS } } };
  },
  async *encode({ texts, kind }: { readonly texts: readonly string[]; readonly kind: string }) {
    return { dimensions: DIMENSIONS, values: unitVectors(texts.length, kind === "query" ? 1 : 2) };
  },
  async *predict() {
    return { memory: undefined };
  },
  async *close() {},
} as unknown as EncoderStages;

/** What it prints. */
export interface Measured {
  /** The largest resident set. */
  readonly bytes: number;
  /** Reports by stage. */
  readonly progress: Readonly<Record<string, number>>;
  readonly rows: number;
  readonly negatives: number;
}

/**
 * Runs until the rows are there.
 * @public tools/run.mjs calls it.
 */
export async function main(): Promise<void> {
  const config = parseConfig({
    negatives: [
      { source: "bm25", count: 2, last: 200 },
      { source: "dense", count: 2, last: 200 },
      { source: "simans", count: 2 },
    ],
    gate: { filter: "margin", value: -1 },
    probes: 0,
  });
  const collection = collectionOf();
  const stage = run(
    { encoder, retriever: createRetriever() },
    { collection, folder: { name: "random", files: {} }, engine: "cpu", config, checkpointEvery: Infinity },
  );
  const progress: Record<string, number> = {};
  let rows = 0;
  let negatives = 0;
  for await (const report of stage) {
    if (report.kind === "progress") progress[report.stage] = (progress[report.stage] ?? 0) + 1;
    if (report.kind !== "product" || report.product.name !== "trainingSet") continue;
    const set = report.product.value;
    [rows, negatives] = [set.rows.length, set.rows.reduce((sum, row) => sum + row.negatives.length, 0)];
    break;
  }
  const bytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ bytes, progress, rows, negatives } satisfies Measured));
}
