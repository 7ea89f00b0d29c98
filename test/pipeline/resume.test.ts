/** A run that is broken off after any of its products and resumed ends as one that never stopped. */
import { expect, test } from "vitest";
import type { ConfigInput } from "../../src/domain/config.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { RunReport, RunResult } from "../../src/domain/run.ts";
import { run, type RunInput } from "../../src/pipeline/run.ts";
import { inOrder, normVariance } from "../../src/pipeline/snapshots.ts";
import { input, productsOf, readings, recipe, services, until, watched, whole, type Kept } from "./support.ts";

const config: ConfigInput = {
  ...recipe,
  negatives: [
    { source: "synthetic", count: 1 },
    { source: "dense", count: 1, last: 8 },
    { source: "ance", count: 1, every: 3 },
    { source: "adore", count: 1 },
  ],
  gate: { filter: "margin", value: 0.01 },
  batches: "topics",
  topics: 2,
  probes: 2,
  varianceBatches: 2,
};
const verdict = {
  queryId: queryId("q0"),
  documentId: documentId("d3"),
  action: "relabel",
  reason: "it is",
  by: "judge",
} as const;
const given = (over: Partial<RunInput> = {}) => input(config, { verdicts: [verdict], ...over });

/** All but what the clock, this session's stages and the engine's memory say. */
function lasting({ seconds: _s, tokensPerSecond: _t, peakBytes: _p, refreshes, ...rest }: RunResult) {
  return { ...rest, refreshes: refreshes.map(({ version, documents }) => ({ version, documents })) };
}
const goesOnFrom = ({ reports, products, checkpoint }: Kept): RunInput =>
  given({
    products,
    ...(checkpoint && { checkpoint }),
    earlier: {
      steps: reports.flatMap((report) => (report.kind === "step" ? [report.step] : [])),
      probes: reports.flatMap((report) => (report.kind === "probe" ? [report.snapshot] : [])),
      refreshes: reports.flatMap((report) => (report.kind === "refreshed" ? [report.refreshed] : [])),
      notes: reports.flatMap((report) => (report.kind === "note" ? [report.text] : [])),
    },
  });
const isMade = (name: string) => (report: RunReport) => report.kind === "product" && report.product.name === name;

test("diagnostics: before, two looks, after; variances; the gate's figures", async () => {
  const { result, reports } = await whole(given());
  expect(result.snapshots.map(({ step }) => step)).toEqual(
    [0, 3, 5, 8].map((step) => step && Math.round((step / 8) * result.steps)),
  );
  const products = productsOf(reports);
  expect(result.snapshots[0]).toEqual(products.snapshotBefore);
  expect(result.snapshots.at(-1)).toEqual(products.snapshotAfter);
  expect(result.variance).toEqual(products.variance);
  expect(result.variance?.batches).toBe(2);
  expect(result.refreshes.length).toBeGreaterThan(1);
  const norms = reports.flatMap((report) => (report.kind === "step" ? [report.step.gradNorm] : []));
  const mean = norms.reduce((a, b) => a + b, 0) / norms.length;
  expect(result.normVariance).toBeCloseTo(norms.reduce((a, b) => a + (b - mean) ** 2, 0) / (norms.length - 1), 10);
});

test("without probes there is no look, and where nothing is trained neither", async () => {
  const { result } = await whole(input({ ...recipe, probes: 0, steps: 2 }));
  expect([result.snapshots, result.variance, result.gate]).toEqual([[], undefined, undefined]);
  const measured = await whole(input({ ...recipe, steps: 0, varianceBatches: 3 }));
  expect([measured.result.snapshots, measured.result.variance, measured.result.normVariance]).toEqual([
    [],
    undefined,
    undefined,
  ]);
});

test("broken off after any product or in training, it resumes to the same end and makes nothing twice", async () => {
  const unbroken = await whole(given());
  const names = Object.keys(productsOf(unbroken.reports));
  expect(names).toContain("gate");
  for (const name of names) {
    const kept = await until(run(services(), given({ checkpointEvery: 0 })), isMade(name));
    const { by, log } = watched();
    const resumed = await whole(goesOnFrom(kept), by);
    const read = [kept.products.vectorsBefore, kept.products.vectorsAfter].filter((vectors) => !vectors);
    expect(readings(log), name).toHaveLength(read.length);
    expect(lasting(resumed.result), name).toEqual(lasting(unbroken.result));
    expect(resumed.weights, name).toEqual(unbroken.weights);
    const again = Object.keys(productsOf(resumed.reports)).filter(
      (made) => made !== "trainingSet" && made in kept.products,
    );
    expect(again, name).toEqual([]);
  }
  let checkpoints = 0;
  const kept = await until(
    run(services(), given({ checkpointEvery: 0 })),
    (report) => report.kind === "step" && ++checkpoints === 6,
  );
  expect(kept.checkpoint?.step).toBeLessThan(6);
  const resumed = await whole(goesOnFrom(kept));
  expect(lasting(resumed.result)).toEqual(lasting(unbroken.result));
});

test("looks come in the order of their steps, the first given of a step; V_norm by hand", () => {
  const at = (step: number, rows = 1) => ({ step, rows }) as never;
  expect(inOrder([at(5), at(0), at(3), at(5, 2)])).toEqual([at(0), at(3), at(5)]);
  // Mean 2, squares 1 + 0 + 1 over 2.
  expect(normVariance([1, 2, 3].map((gradNorm) => ({ gradNorm })))).toBe(1);
  expect(normVariance([{ gradNorm: 1 }])).toBeUndefined();
});
