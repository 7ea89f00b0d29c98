/** What the tests of a grid share: a folder with data and an encoder, a host whose runs are made up, and one grid. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, vi } from "vitest";
import { runGrid, type GridHost } from "../../experiments/grid.ts";
import type { Table } from "../../experiments/gridTable.ts";
import { present } from "../../src/base/assert.ts";
import { random } from "../../src/base/random.ts";
import { recordOf } from "../../src/base/record.ts";
import type { Config } from "../../src/domain/config.ts";
import type { EncoderFiles } from "../../src/domain/encoder.ts";
import { queryId } from "../../src/domain/ids.ts";
import { systemNames, type RankedBy, type SystemName } from "../../src/domain/ranking.ts";
import type { RunProducts, RunResult } from "../../src/domain/run.ts";
import { tinyCollection } from "../support/collection.ts";
import { tinyEncoder } from "../support/encoder.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "decoy-grid-"));
export const at = (...parts: string[]) => path.join(root, ...parts);
export const write = (file: string, content: string | Uint8Array) => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), content);
};
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
export const read = (...parts: string[]) => readFileSync(at(...parts), "utf8");
export const json = (...parts: string[]) => JSON.parse(read(...parts)) as Record<string, unknown>;

/** Fills the folder before the file's tests, keeps the grid's lines off the console, and removes the folder after them. */
export function useFolder(): void {
  beforeAll(() => {
    for (const [name, bytes] of Object.entries(tinyEncoder().files)) write(`encoder/${name}`, bytes);
    write(
      "data/corpus.jsonl",
      lines(tinyCollection.documents.map(({ id, title, text }) => ({ _id: id, title, text }))),
    );
    write("data/queries.jsonl", lines(tinyCollection.queries.map(({ id, text }) => ({ _id: id, text }))));
    for (const [split, judgements] of Object.entries(tinyCollection.judgements)) {
      const rows = judgements.map((j) => `${j.queryId}\t${j.documentId}\t${j.grade}\n`);
      write(`data/qrels/${split}.tsv`, `query-id\tcorpus-id\tscore\n${rows.join("")}`);
    }
    vi.spyOn(console, "log").mockImplementation(() => {});
    vi.spyOn(console, "error").mockImplementation(() => {});
  });
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(root, { recursive: true });
  });
}

export const QUERIES = 9;
export const queryIds = Array.from({ length: QUERIES }, (_, i) => queryId(`q${i}`));
/** One value a query, from what names the run. */
export const values = (name: string): number[] => {
  const source = random(1, name);
  return queryIds.map(() => source.integer(5) / 4);
};
export const mean = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

function scores(perQuery: readonly number[]) {
  const interval = { value: mean(perQuery), low: 0, high: 1 };
  return { queryIds, perQuery: { "ndcg@10": perQuery }, mean: { "ndcg@10": interval } };
}
/** Grids here tell their arms by learning rates. */
const rateOf = ({ learningRate = 2e-4 }: Config): number => learningRate;
const trainedValues = (config: Config, system: SystemName) => values(`${system} ${rateOf(config)} ${config.seed}`);

/** A temperature at which a made-up run says that only {@link cleanIds} are clean, and one at which it says that none is. */
export const LEAKING = 0.7;
export const ALL_LEAK = 0.8;
export const cleanIds = queryIds.filter((_, i) => i % 2 === 0);

function result(config: Config, kind = "cpu"): RunResult {
  const look = (step: number) => ({
    step,
    embeddingVariance: 100 * rateOf(config) + step,
    shortcut: 0.6 + step / 10,
    mass: config.learningRate === 9 ? { positive: 1 } : { positive: 0.5, bm25: 0.5 },
  });
  const systems = recordOf(systemNames, (name) =>
    scores(/after/iu.test(name) ? trainedValues(config, name) : values(name)),
  );
  const onClean = recordOf(systemNames, (name) => ({ ...systems[name], queryIds: cleanIds }));
  return {
    systems,
    ...(config.temperature === LEAKING && { clean: { kind: "measured", systems: onClean, comparisons: {} } }),
    ...(config.temperature === ALL_LEAK && { clean: { kind: "tooFew", queries: 0, verdict: "" } }),
    comparisons: { afterBefore: { pValue: 1 }, afterBm25: { pValue: 1 } },
    engine: { kind, device: "", note: "" },
    notes: config.temperature === 0.5 ? ["Some rows are short."] : [],
    snapshots: [look(0), look(1), look(2)],
    variance: { trace: 1000 * rateOf(config) + config.seed, meanSquared: 1, batches: 2 },
    normVariance: 0.25,
    gate: { considered: 10, dropped: 1, relabelled: 0 },
    seconds: { train: 2 },
  } as unknown as RunResult;
}

interface Run {
  readonly config: Config;
  readonly products: RunProducts | undefined;
  readonly guide: EncoderFiles | undefined;
}
/** A host whose runs are made up, and what it was asked for. `broken`: learning rates whose runs fail. */
export function host(broken: readonly number[] = [], digest = "data 1") {
  const asked: Run[] = [];
  const roots: string[] = [];
  const made: GridHost = {
    shipped: { data: { "built-in": at("data") }, encoder: { "built-in": at("encoder") } },
    readCollection: async (root) => {
      roots.push(root);
      return { collection: tinyCollection, summary: { digest } } as never;
    },
    perform: async ({ config, products, guide, engine }) => {
      asked.push({ config, products, guide });
      if (broken.includes(rateOf(config))) throw new Error(`no run at ${rateOf(config)}`);
      const measured = recordOf(systemNames, (name) => ({
        scores: present(result(config).systems[name], name),
        rankings: [],
      }));
      const vectorsBefore = { dimensions: 1, values: new Float32Array() };
      return { outcome: { result: result(config, engine) }, products: { ...measured, vectorsBefore } };
    },
  };
  const rates = () => asked.map(({ config }) => `${config.learningRate} ${config.seed}`);
  return { made, asked, roots, rates };
}

export const three = {
  seeds: 2,
  base: { temperature: 0.1 },
  reference: "plain",
  arms: { plain: { learningRate: 1 }, "hot, twice": { learningRate: 2, temperature: 0.5 }, third: { learningRate: 3 } },
};
/** Writes the file and runs it. */
export function grid(name: string, file: unknown, made: GridHost, ...more: readonly string[]) {
  write(`${name}.json`, JSON.stringify(file));
  return runGrid(["--grid", at(`${name}.json`), "--out", at(name), ...more], made);
}

/** A table that the grid `name` wrote; where not said otherwise, on all queries by the encoder alone. */
export const tableOf = (name: string, queries: Table["queries"] = "all", by: RankedBy = "alone") =>
  (json(name, "grid.json")["tables"] as readonly Table[]).find((table) => table.queries === queries && table.by === by)
    ?.rows ?? [];
