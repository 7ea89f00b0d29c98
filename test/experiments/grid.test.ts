import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, test, vi } from "vitest";
import { asksForGrid, planOf } from "../../experiments/gridFile.ts";
import { runGrid, type GridHost } from "../../experiments/grid.ts";
import type { GridRow, TableRow } from "../../experiments/gridTable.ts";
import { random } from "../../src/base/random.ts";
import type { Config } from "../../src/domain/config.ts";
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import { queryId } from "../../src/domain/ids.ts";
import type { SystemName } from "../../src/domain/ranking.ts";
import type { RunProducts, RunResult } from "../../src/domain/run.ts";
import { tinyCollection } from "../support/collection.ts";
import { tinyEncoder } from "../support/encoder.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "decoy-grid-"));
const at = (...parts: string[]) => path.join(root, ...parts);
const write = (file: string, content: string | Uint8Array) => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), content);
};
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const read = (...parts: string[]) => readFileSync(at(...parts), "utf8");
const json = (...parts: string[]) => JSON.parse(read(...parts)) as Record<string, unknown>;

beforeAll(() => {
  for (const [name, bytes] of Object.entries(tinyEncoder().files)) write(`encoder/${name}`, bytes);
  write("data/corpus.jsonl", lines(tinyCollection.documents.map(({ id, title, text }) => ({ _id: id, title, text }))));
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

const QUERIES = 9;
const queryIds = Array.from({ length: QUERIES }, (_, i) => queryId(`q${i}`));
/** One value a query, from what names the run. */
const values = (name: string): number[] => {
  const source = random(1, name);
  return queryIds.map(() => source.integer(5) / 4);
};
const mean = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

function scores(perQuery: readonly number[]) {
  const interval = { value: mean(perQuery), low: 0, high: 1 };
  return { queryIds, perQuery: { "ndcg@10": perQuery }, mean: { "ndcg@10": interval } };
}
const afterValues = (config: Config) => values(`after ${config.learningRate} ${config.seed}`);

function result(config: Config, kind = "cpu"): RunResult {
  const look = (step: number) => ({
    step,
    embeddingVariance: 100 * config.learningRate + step,
    shortcut: 0.6 + step / 10,
    mass: config.learningRate === 9 ? { positive: 1 } : { positive: 0.5, bm25: 0.5 },
  });
  return {
    systems: { bm25: scores(values("bm25")), before: scores(values("before")), after: scores(afterValues(config)) },
    comparisons: { afterBefore: { pValue: 1 }, afterBm25: { pValue: 1 } },
    engine: { kind, device: "", note: "" },
    notes: config.temperature === 0.5 ? ["Some rows are short."] : [],
    snapshots: [look(0), look(1), look(2)],
    variance: { trace: 1000 * config.learningRate + config.seed, meanSquared: 1, batches: 2 },
    normVariance: 0.25,
    gate: { considered: 10, dropped: 1, relabelled: 0 },
    seconds: { train: 2 },
  } as unknown as RunResult;
}

interface Run {
  readonly config: Config;
  readonly products: RunProducts | undefined;
  readonly guide: EncoderFolder | undefined;
}
/** A host whose runs are made up, and what it was asked for. `broken`: learning rates whose runs fail. */
function host(broken: readonly number[] = [], digest = "data 1") {
  const asked: Run[] = [];
  const roots: string[] = [];
  const made: GridHost = {
    builtIn: { data: at("data"), encoder: at("encoder") },
    readCollection: async (root) => {
      roots.push(root);
      return { collection: tinyCollection, summary: { digest } } as never;
    },
    perform: async ({ config, products, guide, engine }) => {
      asked.push({ config, products, guide });
      if (broken.includes(config.learningRate)) throw new Error(`no run at ${config.learningRate}`);
      const system = (name: SystemName) => ({ scores: result(config).systems[name], rankings: [] });
      const vectorsBefore = { dimensions: 1, values: new Float32Array() };
      const outcome = { result: result(config, engine) };
      return { outcome, products: { bm25: system("bm25"), before: system("before"), vectorsBefore } };
    },
  };
  const rates = () => asked.map(({ config }) => `${config.learningRate} ${config.seed}`);
  return { made, asked, roots, rates };
}

const three = {
  seeds: 2,
  base: { temperature: 0.1 },
  reference: "plain",
  arms: { plain: { learningRate: 1 }, "hot, twice": { learningRate: 2, temperature: 0.5 }, third: { learningRate: 3 } },
};
/** Writes the file and runs it. */
function grid(name: string, file: unknown, made: GridHost, ...more: readonly string[]) {
  write(`${name}.json`, JSON.stringify(file));
  return runGrid(["--grid", at(`${name}.json`), "--out", at(name), ...more], made);
}
const all = ["1 1", "2 1", "3 1", "1 2", "2 2", "3 2"];

describe("what is run", () => {
  it("is every arm with every seed, the arm's keys over the base's", async () => {
    const { made, asked, rates } = host();
    expect(await grid("every", three, made)).toBe(0);
    expect(rates()).toEqual(all);
    expect(asked.map(({ config }) => config.temperature)).toEqual([0.1, 0.5, 0.1, 0.1, 0.5, 0.1]);
    expect(asked[0]?.config).toMatchObject({ batchSize: 16, seed: 1 });
    const { rows, ...rest } = json("every", "grid.json");
    expect(rest).toMatchObject({ reference: "plain", metric: "ndcg@10", seeds: [1, 2] });
    expect((rows as readonly unknown[])[4]).toMatchObject({
      arm: "hot, twice",
      seed: 2,
      metrics: { after: { "ndcg@10": { value: mean(values("after 2 2")) } } },
      gate: { dropped: 1 },
      diagnostics: { variance: { trace: 2002 }, normVariance: 0.25 },
      seconds: { train: 2 },
    });
    expect(json("every", "hot, twice", "2", "perquery.json")).toEqual({
      metric: "ndcg@10",
      queryIds,
      bm25: values("bm25"),
      before: values("before"),
      after: values("after 2 2"),
    });
  });

  it("follows --seeds and --steps over the file", async () => {
    const { made, asked, rates } = host();
    expect(await grid("options", three, made, "--seeds", "1", "--steps", "7")).toBe(0);
    expect(rates()).toEqual(all.slice(0, 3));
    expect(asked.map(({ config }) => config.steps)).toEqual([7, 7, 7]);
  });

  it("takes data and encoder from the options, else from the file, else those that come with the page", async () => {
    const roots = async (file: object, ...more: string[]) => {
      const { made, roots } = host();
      await grid("roots", { ...three, seeds: 1, ...file }, made, ...more);
      return roots;
    };
    expect(await roots({})).toEqual([at("data")]);
    expect(await roots({ data: "mine" })).toEqual(["mine"]);
    expect(await roots({ data: "mine" }, "--data", "yours")).toEqual(["yours"]);
    expect(await roots({ data: "mine" }, "--data", "built-in")).toEqual([at("data")]);
    await expect(roots({ encoder: at("nowhere") })).rejects.toThrow("does not exist");
    expect(await roots({ encoder: at("nowhere") }, "--encoder", "built-in")).toEqual([at("data")]);
  });

  it("measures before training once for each seed and each way of measuring", async () => {
    const { made, asked } = host();
    const arms = { ...three.arms, short: { learningRate: 4, maxDocumentTokens: 9 } };
    await grid("shared", { ...three, arms }, made);
    // plain, hot, third, short, each with seed 1 and then 2.
    expect(asked.map(({ products }) => products?.before !== undefined)).toEqual([
      false,
      true,
      true,
      false,
      false,
      true,
      true,
      false,
    ]);
    expect(Object.keys(asked[1]?.products ?? {}).toSorted()).toEqual(["before", "bm25", "vectorsBefore"]);
  });
});

describe("what is there already", () => {
  it("is not run again, and gives the same table", async () => {
    await grid("again", three, host().made);
    const [table, rows] = [read("again", "table.md"), read("again", "grid.json")];
    rmSync(at("again", "grid.json"));
    const { made, rates } = host();
    expect(await grid("again", three, made)).toBe(0);
    expect(rates()).toEqual([]);
    expect(read("again", "table.md")).toBe(table);
    expect(read("again", "grid.json")).toBe(rows);
  });

  it("is run anew where its result is missing, cut off, or of another recipe, encoder or data", async () => {
    await grid("anew", three, host().made);
    rmSync(at("anew", "plain", "1", "result.json"));
    const half = read("anew", "third", "1", "result.json");
    write("anew/third/1/result.json", half.slice(0, half.length / 2));
    const other = { ...three, arms: { ...three.arms, "hot, twice": { learningRate: 2, temperature: 0.6 } } };
    const second = host();
    await grid("anew", other, second.made);
    expect(second.rates()).toEqual(["1 1", "2 1", "3 1", "2 2"]);
    const third = host();
    await grid("anew", other, third.made, "--seeds", "3");
    expect(third.rates()).toEqual(["1 3", "2 3", "3 3"]);
    const data = host([], "data 2");
    await grid("anew", other, data.made);
    expect(data.rates()).toEqual(all);
    write("other/config.json", "{}");
    const encoder = host([], "data 2");
    await grid("anew", other, encoder.made, "--encoder", at("other"));
    expect(encoder.rates()).toEqual(all);
    const engine = host([], "data 2");
    await grid("anew", other, engine.made, "--encoder", at("other"), "--engine", "webgpu");
    expect(engine.rates()).toEqual(all);
    const guide = host([], "data 2");
    const guided = ["--encoder", at("other"), "--engine", "webgpu", "--guide", at("encoder")];
    await grid("anew", other, guide.made, ...guided);
    expect(guide.rates()).toEqual(all);
    expect(guide.asked[0]?.guide?.name).toBe("encoder");
    expect(engine.asked[0]?.guide).toBeUndefined();
    const done = host([], "data 2");
    await grid("anew", other, done.made, ...guided);
    expect(done.rates()).toEqual([]);
  });

  it("is run anew where another recipe was begun in its folder", async () => {
    await grid("begun", { ...three, seeds: 1 }, host().made);
    const other = { ...three, seeds: 1, arms: { ...three.arms, third: { learningRate: 4 } } };
    expect(await grid("begun", other, host([4]).made)).toBe(1);
    const { made, rates } = host();
    await grid("begun", { ...three, seeds: 1 }, made);
    expect(rates()).toEqual(["3 1"]);
  });

  it("goes on after a failed run, which it records and tries again", async () => {
    expect(await grid("failing", three, host([1]).made)).toBe(1);
    const rows = json("failing", "grid.json")["rows"] as readonly Record<string, unknown>[];
    expect(rows.filter((row) => "error" in row)).toEqual([
      { arm: "plain", seed: 1, error: "no run at 1" },
      { arm: "plain", seed: 2, error: "no run at 1" },
    ]);
    expect(rows).toHaveLength(6);
    expect(existsSync(at("failing", "plain", "1", "result.json"))).toBe(false);
    expect(read("failing", "table.md")).toContain("- plain, seed 2: no run at 1");
    expect(read("failing", "table.md")).toContain("plain (0 of 2 seeds)");
    const { made, rates } = host();
    expect(await grid("failing", three, made)).toBe(0);
    expect(rates()).toEqual(["1 1", "1 2"]);
    await grid("whole", three, host().made);
    expect(read("failing", "table.md")).toBe(read("whole", "table.md"));
  });
});

/** Exact two-sided p over all sign flips, another way than the source's: by the flips' mask as digits. */
function exactP(differences: readonly number[]): number {
  const sums = differences.reduce<readonly number[]>((all, d) => all.flatMap((sum) => [sum + d, sum - d]), [0]);
  const observed = Math.abs(differences.reduce((sum, d) => sum + d, 0));
  return sums.filter((sum) => Math.abs(sum) >= observed - 1e-9).length / sums.length;
}

test("the table's figures are those of the results", async () => {
  await grid("figures", three, host().made);
  const perQuery = (arm: string, system: SystemName) =>
    [1, 2].map((seed) => json("figures", arm, String(seed), "perquery.json")[system] as readonly number[]);
  const averaged = (runs: readonly (readonly number[])[]) =>
    queryIds.map((_, i) => mean(runs.map((run) => run[i] ?? 0)));
  const table = new Map(
    (json("figures", "grid.json")["table"] as readonly TableRow[]).map((row) => [row.name, row] as const),
  );
  expect([...table.keys()]).toEqual(["BM25 search", "before training", "plain", "hot, twice", "third"]);
  const reference = averaged(perQuery("plain", "after"));
  const pOf = (runs: readonly (readonly number[])[]) => exactP(averaged(runs).map((v, i) => v - (reference[i] ?? 0)));
  const arms = ["plain", "hot, twice", "third"];
  for (const [i, arm] of arms.entries()) {
    const runs = perQuery(arm, "after");
    const [first = 0, second = 0] = runs.map(mean);
    const row = table.get(arm);
    expect(row).toMatchObject({ system: "after", seeds: [1, 2], queries: QUERIES });
    expect(row?.mean?.value).toBeCloseTo((first + second) / 2, 12);
    expect(row?.mean?.low).toBeLessThan(row?.mean?.value ?? 0);
    expect(row?.mean?.high).toBeGreaterThan(row?.mean?.value ?? 1);
    // Of two values: |a − b| / √2.
    expect(row?.spread).toBeCloseTo(Math.abs(first - second) / Math.SQRT2, 12);
    expect(row?.traceVariance).toBeCloseTo(1000 * (i + 1) + 1.5, 9);
    expect(row?.embeddingVariance).toBeCloseTo(100 * (i + 1), 9);
    expect(row?.shortcutBefore).toBeCloseTo(0.6, 12);
    expect(row?.shortcutAfter).toBeCloseTo(0.8, 12);
    if (arm === "plain") {
      expect(row).toMatchObject({ against: null, holm: null });
      continue;
    }
    expect(row?.against?.difference.value).toBeCloseTo(mean(averaged(runs)) - mean(reference), 12);
    expect(row?.against?.pValue).toBeCloseTo(pOf(runs), 12);
  }
  // Two p-values: the smaller times 2, the larger at least that.
  const [a = 0, b = 0] = arms.slice(1).map((arm) => pOf(perQuery(arm, "after")));
  expect(a).not.toBe(b);
  const smaller = Math.min(1, 2 * Math.min(a, b));
  const larger = Math.max(smaller, a, b);
  expect(table.get("hot, twice")?.holm).toBeCloseTo(a < b ? smaller : larger, 12);
  expect(table.get("third")?.holm).toBeCloseTo(a < b ? larger : smaller, 12);
  for (const [name, system] of [
    ["BM25 search", "bm25"],
    ["before training", "before"],
  ] as const) {
    expect(table.get(name)?.mean?.value).toBeCloseTo(mean(values(system)), 12);
    expect(table.get(name)?.against?.pValue).toBeCloseTo(pOf([values(system)]), 12);
    expect(table.get(name)).toMatchObject({ holm: null, traceVariance: null, shortcutAfter: null });
  }
  const text = read("figures", "table.md");
  const shown = (value: number) => value.toFixed(3).replace(/^0/u, "");
  expect(text).toContain(`| plain | ${shown(table.get("plain")?.mean?.value ?? 0)} (`);
  expect(text).toContain("| reference | – | – | 1000 | 100 | .600 → .800 |");
  expect(text).toContain("9 queries; seeds 1, 2.");
  expect(text).toContain("- hot, twice: Some rows are short.");
});

test("seeds that only one of two arms finished are not compared", async () => {
  await grid("common", three, host().made);
  // Seed 2 of the third arm fails: what remains is compared with the reference's seed 1 alone.
  rmSync(at("common", "third", "2"), { recursive: true });
  write("common/third/2", "a file where a folder should be");
  expect(await grid("common", three, host().made)).toBe(1);
  const row = (json("common", "grid.json")["table"] as readonly TableRow[]).find(({ name }) => name === "third");
  expect(row).toMatchObject({ seeds: [1], spread: null });
  const difference = mean(values("after 3 1")) - mean(values("after 1 1"));
  expect(row?.against?.difference.value).toBeCloseTo(difference, 12);
  expect(read("common", "table.md")).toContain("| third (1 of 2 seeds) |");
});

test("rows without negatives of their own have no V_emb", async () => {
  await grid("ance", { seeds: 1, arms: { ance: { learningRate: 9 }, bm25: { learningRate: 1 } } }, host().made);
  const table = json("ance", "grid.json")["table"] as readonly TableRow[];
  expect(table.map(({ embeddingVariance }) => embeddingVariance)).toEqual([null, null, null, 100]);
});

test("without a reference nothing is compared", async () => {
  const { reference: _, ...file } = three;
  await grid("alone", file, host().made);
  const table = json("alone", "grid.json")["table"] as readonly TableRow[];
  expect(table.map(({ against, holm }) => [against, holm])).toEqual(Array(5).fill([null, null]));
  expect(table[0]?.mean?.value).toBeCloseTo(mean(values("bm25")), 12);
});

describe("a grid that cannot be", () => {
  it.each([
    ["an unknown key", { ...three, sedes: 3 }, [], "sedes: there is no such key"],
    ["no arms", { arms: {} }, [], "arms: at least one arm"],
    [
      "an unknown key of an arm",
      { arms: { hot: { temprature: 1 } } },
      [],
      'The arm "hot": The recipe is not valid. temprature',
    ],
    ["an unknown key of the base", { ...three, base: { epoch: 1 } }, [], "epoch: there is no such key"],
    ["a value that does not fit", { arms: { hot: { temperature: -1 } } }, [], "temperature"],
    ["a reference that is no arm", { ...three, reference: "plan" }, [], 'there is no arm "plan"'],
    ["a seed of its own", { arms: { one: { seed: 3 } } }, [], 'The arm "one" has a seed'],
    ["a name that leaves the folder", { arms: { "../up": {} } }, [], "arms.../up"],
    ["a name that is a column", { arms: { "a|b": {} } }, [], "a|b"],
    ["names that a disk may not tell apart", { arms: { one: {}, One: {} } }, [], "but for capital letters"],
    ["arms on different splits", { arms: { a: {}, b: { evaluate: { split: "dev" } } } }, [], "evaluate.split"],
    ["no seed", { ...three, seeds: 0 }, [], "seeds"],
    ["a list", [], [], "not a valid grid"],
    ["a count that is none", three, ["--seeds", "few"], '--seeds is "few"'],
    ["too small a count", three, ["--seeds", "0"], "from 1 on"],
    ["steps that are none", three, ["--steps", "-1"], "--steps"],
    ["an unknown option", three, ["--config", "x.json"], "--config"],
    ["an unknown engine", three, ["--engine", "tpu"], '--engine is "tpu"'],
  ])("has %s", async (_, file, more, words) => {
    const { made, asked } = host();
    await expect(grid("wrong", file, made, ...more)).rejects.toMatchObject({
      name: "InvalidGrid",
      message: expect.stringContaining(words) as string,
    });
    expect(asked).toEqual([]);
    expect(existsSync(at("wrong"))).toBe(false);
  });

  it("has no file or no folder to go to", async () => {
    await expect(runGrid(["--grid", at("nowhere.json"), "--out", at("x")], host().made)).rejects.toThrow(
      "nowhere.json",
    );
    await expect(runGrid(["--grid", at("nowhere.json")], host().made)).rejects.toThrow("--out is missing");
    await expect(runGrid(["--grid", "", "--out", at("x")], host().made)).rejects.toThrow("--grid is empty");
  });
});

test("the arms of strategies.json are valid, and have five negatives each", () => {
  const { arms, reference, seeds } = planOf(["--grid", "experiments/strategies.json", "--out", at("never")]);
  expect(seeds).toEqual([1, 2, 3]);
  expect(arms.map(({ name }) => name)).toContain(reference);
  expect(arms.length).toBeGreaterThan(15);
  const sizes = arms.map(({ configOf }) => configOf(1).negatives.reduce((sum, { count }) => sum + count, 0));
  expect(new Set(sizes)).toEqual(new Set([5]));
  const digests = arms.map(({ configOf }) => JSON.stringify(configOf(1)));
  expect(new Set(digests).size).toBe(arms.length);
});

describe("npm run experiment -- --grid", () => {
  const program = ["tools/run.mjs", "experiments/run.ts"];
  const usual = (out: string) => [
    "--grid",
    at("real.json"),
    "--out",
    at(out),
    "--data",
    at("data"),
    "--encoder",
    at("encoder"),
  ];
  const run = (...args: string[]) => spawnSync(process.execPath, [...program, ...args], { encoding: "utf8" });
  const base = { batchSize: 2, steps: 2, varianceBatches: 2, negatives: [{ source: "bm25", count: 2 }] };
  const arms = { one: {}, two: { negatives: [{ source: "random", count: 2 }] } };

  it("gives what single experiments give", () => {
    write("real.json", JSON.stringify({ seeds: 2, base, reference: "one", arms }));
    const { status, stdout } = run(...usual("real"));
    expect(status).toBe(0);
    expect(stdout).toContain("two, seed 2 (4 of 4)");
    expect(stdout).toContain(read("real", "table.md"));
    write("single.json", JSON.stringify({ ...base, ...arms.two }));
    const single = ["--data", at("data"), "--encoder", at("encoder"), "--config", at("single.json")];
    expect(run(...single, "--seed", "2", "--out", at("single")).status).toBe(0);
    const same = ["metrics", "comparisons", "digest", "config", "notes", "steps", "trainingRows"];
    const pick = (file: Record<string, unknown>) => same.map((key) => file[key]);
    expect(pick(json("real", "two", "2", "result.json"))).toEqual(pick(json("single", "result.json")));
    for (const file of ["bm25.trec", "before.trec", "after.trec"]) {
      expect(read("real", "two", "2", file)).toBe(read("single", file));
      expect(read("single", file)).not.toBe("");
    }
    const { after, queryIds: ids } = json("real", "two", "2", "perquery.json") as Record<string, readonly number[]>;
    const { metrics } = json("single", "result.json") as {
      metrics: Record<SystemName, Record<string, { value: number }>>;
    };
    expect(ids).toHaveLength(4);
    expect(mean(after ?? [])).toBeCloseTo(metrics.after["ndcg@10"]?.value ?? Number.NaN, 12);
    const rows = json("real", "grid.json")["rows"] as readonly GridRow[];
    for (const { diagnostics } of rows) {
      expect(diagnostics.variance?.batches).toBe(2);
      expect(diagnostics.snapshots.length).toBeGreaterThan(1);
    }
  });

  it("loses only the run at hand when it is killed", async () => {
    const child = spawn(process.execPath, [...program, ...usual("killed")], { stdio: "ignore" });
    const ended = once(child, "exit");
    for (let i = 0; i < 600 && !existsSync(at("killed", "one", "1", "result.json")); i++) await sleep(50);
    child.kill("SIGKILL");
    expect((await ended)[1]).toBe("SIGKILL");
    const { status, stdout } = run(...usual("killed"));
    expect(status).toBe(0);
    expect(stdout).toContain("one, seed 1 (1 of 4): done before");
    expect(stdout).toContain("two, seed 2 (4 of 4)\n");
    expect(read("killed", "table.md")).toBe(read("real", "table.md"));
  });

  it("says what is wrong with a grid", () => {
    const { status, stderr } = run("--grid", at("nowhere.json"), "--out", at("x"));
    expect(status).toBe(2);
    expect(stderr).toContain("nowhere.json could not be read");
    expect(stderr).not.toContain("    at ");
    expect(asksForGrid(["--grid=x"])).toBe(true);
    expect(asksForGrid(["--out", "--grids"])).toBe(false);
  });
});
