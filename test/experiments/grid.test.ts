import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { asksForGrid } from "../../experiments/gridFile.ts";
import type { GridRow } from "../../experiments/gridTable.ts";
import type { SystemName } from "../../src/domain/ranking.ts";
import { at, grid, host, json, mean, queryIds, read, three, useFolder, values, write } from "./gridSupport.ts";

useFolder();

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
      clean: queryIds,
      bm25: values("bm25"),
      before: values("before"),
      after: values("after 2 2"),
      rrfBefore: values("rrfBefore"),
      rrfAfter: values("rrfAfter 2 2"),
      zscoreBefore: values("zscoreBefore"),
      zscoreAfter: values("zscoreAfter 2 2"),
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
    expect(Object.keys(asked[1]?.products ?? {}).toSorted()).toEqual([
      "before",
      "bm25",
      "rrfBefore",
      "vectorsBefore",
      "zscoreBefore",
    ]);
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
    const { rrfAfter: _, ...older } = json("anew", "plain", "1", "perquery.json");
    write("anew/plain/1/perquery.json", JSON.stringify(older));
    const fewer = host();
    await grid("anew", other, fewer.made);
    expect(fewer.rates()).toEqual(["1 1"]);
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
    for (const file of ["bm25.trec", "before.trec", "after.trec", "rrfBefore.trec", "zscoreAfter.trec"]) {
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
