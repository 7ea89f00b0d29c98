import { beforeAll, expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { sampleRows } from "../../src/negatives/diagnostics.ts";
import { probeSteps } from "../../src/train/probes.ts";
import { train } from "../../src/train/train.ts";
import { collect, data, input, open, refreshOf, vectorsBy, watchedTraining, type Arena } from "./tiny.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine();
});

test.each([
  [100, 4, [20, 40, 60, 80]],
  [10, 3, [3, 5, 8]],
  [3, 4, [1, 2]],
  [1, 4, []],
  [0, 4, []],
  [50, 0, []],
])("over %i steps, %i looks are at %j", (steps, probes, expected) => {
  expect([...probeSteps(steps, probes)]).toEqual(expected);
});

const shown = (reports: Awaited<ReturnType<typeof collect>>["reports"]) =>
  reports.map((report) =>
    report.kind === "step" ? report.step.step : report.kind === "probe" ? `look ${report.snapshot.step}` : report.kind,
  );

test("looks come after the steps they name; with none asked for there are none", async () => {
  const looked = await collect(train(await open(engine), input({ steps: 8, probes: 3 }, { ahead: 2 })));
  expect(shown(looked.reports)).toEqual([1, 2, "look 2", 3, 4, "look 4", 5, 6, "look 6", 7, 8]);
  const unseen = await collect(train(await open(engine), input({ steps: 2, probes: 0 })));
  expect(shown(unseen.reports)).toEqual([1, 2]);
});

test("looking does not change the training", async () => {
  const refresh = refreshOf([{ source: "ance", count: 2, first: 1, last: 6, every: 3 }]);
  const run = async (probes: number) =>
    (await collect(train(await open(engine), input({ steps: 7, probes }, { refresh, ahead: 2 })))).outcome.checkpoint;
  expect(await run(5)).toEqual(await run(0));
});

/** InfoNCE's softmax over a row's own candidates, by source, from vectors of single texts. */
async function massBy(weights: Arena, rows: readonly (typeof data.rows)[number][], temperature: number) {
  const mass: Record<string, number> = {};
  for (const { query, positive, negatives } of rows) {
    const candidates = [positive, ...negatives.map(({ document }) => document)];
    const texts = candidates.map((at) => present(data.documents[at], "document"));
    const [vector] = await vectorsBy(engine, weights, [present(data.queries[query], "query")], "query");
    const documents = await vectorsBy(engine, weights, texts, "document");
    const powers = documents.map((d) =>
      Math.exp(d.reduce((sum, x, k) => sum + x * (vector?.[k] ?? NaN), 0) / temperature),
    );
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (const [j, power] of powers.entries()) {
      const source = j === 0 ? "positive" : present(negatives[j - 1], "negative").source;
      mass[source] = (mass[source] ?? 0) + power / total / rows.length;
    }
  }
  return mass;
}

test("a look sees the sampled rows with the weights of its step", async () => {
  const given = input({ steps: 6, probes: 2, probeRows: 6, temperature: 0.1, seed: 3 });
  const { seen, reports } = await watchedTraining(engine, given);
  const looks = reports.flatMap((report) => (report.kind === "probe" ? [report.snapshot] : []));
  expect(looks.map(({ step, rows }) => [step, rows])).toEqual([
    [2, 6],
    [4, 6],
  ]);
  const rows = sampleRows(data, 6, 3);
  for (const { step, mass } of looks) {
    const expected = await massBy(present(seen[step], "step").weights, rows, 0.1);
    expect(Object.keys(mass).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [source, share] of Object.entries(expected)) {
      expect(Object.entries(mass).find(([name]) => name === source)?.[1]).toBeCloseTo(share, 4);
    }
  }
  expect(looks[0]?.mass).not.toEqual(looks[1]?.mass);
});
