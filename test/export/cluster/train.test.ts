/** train.py against the page's own engine, where there is a Python with PyTorch. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { finish } from "../../../src/base/channel.ts";
import { documentText } from "../../../src/domain/collection.ts";
import { parseConfig, type ConfigInput } from "../../../src/domain/config.ts";
import type { EncoderFolder } from "../../../src/domain/encoder.ts";
import type { StepReport } from "../../../src/domain/training.ts";
import { createCpuEngine } from "../../../src/encoder/cpu.ts";
import { openFolder } from "../../../src/encoder/folder.ts";
import { refusedKeys } from "../../../src/export/cluster/keys.ts";
import { createEncoder } from "../../../src/train/service.ts";
import { python } from "../../support/python.ts";
import { staticEncoder } from "../../support/staticEncoder.ts";
import { bundleInput, collection, newRoot, pageSteps, runEach, runPython, runTogether, written } from "./support.ts";

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true }));

const torch = python();
if (torch === undefined) console.log("skipped: no torch (train.py was not run)");

/** Between the page's losses and the program's. */
const tolerance = 1e-4;
const base: ConfigInput = { batchSize: 4, steps: 3, learningRate: 1e-3, temperature: 0.05, warmup: 0, seed: 7 };

const recipes: Readonly<Record<string, ConfigInput>> = {
  "in-batch negatives, masked": {},
  "in-batch negatives as they are": { mask: false },
  "own negatives alone": { inBatch: false },
  "a symmetric loss": { symmetric: true },
  "a symmetric loss without a mask": { symmetric: true, mask: false },
  Matryoshka: { dimensions: [2, 5, 8], seed: 2 ** 40 + 12_345 },
  "prefixes, short texts and [CLS]": {
    queryPrefix: "the sea: ",
    documentPrefix: "on the mat, ",
    maxQueryTokens: 6,
    maxDocumentTokens: 9,
    pooling: "cls",
  },
  "harder negatives, all": { hardness: { alpha: 5 } },
  "harder negatives, own": { hardness: { alpha: 5, on: "own" }, mask: false },
  "harder negatives, written": { hardness: { alpha: 5, on: "written" } },
  "the entropy term": { entropy: { weight: 0.5 } },
  "the entropy term on prefixes": { entropy: { weight: 0.5 }, dimensions: [3, 8] },
  "batches by topic": { batches: "topics", batchSize: 2, steps: 5 },
  "another schedule and several batches a step": {
    warmup: 0.4,
    schedule: "cosine",
    accumulate: 2,
    batchSize: 2,
    steps: 5,
  },
  "no shuffling, much decay and a tight clip": {
    shuffle: false,
    weightDecay: 3,
    learningRate: 0.02,
    clip: 0.05,
    batchSize: 3,
    steps: 4,
  },
};

/** As the page and the program report a step. */
type Step = Pick<StepReport, "loss" | "gradNorm">;

const stepsIn = (lines: readonly unknown[]): readonly Step[] =>
  (lines as readonly Partial<Step>[]).flatMap(({ loss, gradNorm = NaN }) =>
    loss === undefined ? [] : { loss, gradNorm },
  );

/** The norm is large where the temperature is low: by its size. */
function expectClose(got: readonly Step[], wanted: readonly Step[], what: string): void {
  expect(got, what).toHaveLength(wanted.length);
  for (const [i, { loss, gradNorm }] of wanted.entries()) {
    const [own, step] = [got[i], `${what}, step ${i + 1}`];
    expect(Math.abs((own?.loss ?? NaN) - loss), `${step}: ${own?.loss} and ${loss}`).toBeLessThan(tolerance);
    const off = Math.abs((own?.gradNorm ?? NaN) - gradNorm) / Math.max(1, gradNorm);
    expect(off, `${step}, norm: ${own?.gradNorm} and ${gradNorm}`).toBeLessThan(1e-3);
  }
}

describe.skipIf(torch === undefined)("train.py on PyTorch alone", () => {
  const command = torch ?? "";
  const program = (folder: string): string => path.join(folder, "train.py");

  test("the page's losses, step by step, whatever the recipe", async () => {
    const inputs = Object.values(recipes).map((recipe) => ({ ...base, ...recipe }));
    const bundles = await Promise.all(inputs.map((input) => written(root, bundleInput(input))));
    const ran = runEach(command, bundles, ["--plain", "--no-evaluation"]);
    expect(ran).toHaveLength(bundles.length);
    for (const [i, name] of Object.keys(recipes).entries()) {
      const page = await pageSteps(inputs[i] ?? {});
      expect(ran[i]?.errors, name).toBe("");
      expectClose(stepsIn(ran[i]?.lines ?? []), page, name);
    }
  });

  test("a static encoder's losses", async () => {
    const encoder = staticEncoder();
    const page = await pageSteps(base, encoder);
    const folder = await written(root, bundleInput(base, { folder: encoder, card: openFolder(encoder).card }));
    const { lines } = runPython(command, [program(folder), "--plain", "--no-evaluation"]);
    expectClose(stepsIn(lines), page, "static");
  });

  test("two processes give the losses of one", async () => {
    const input: ConfigInput = { ...base, symmetric: true, dimensions: [3, 8], clip: 0.5 };
    const page = await pageSteps(input);
    const folder = await written(root, bundleInput(input));
    const { lines, status, errors } = await runTogether(command, [program(folder), "--plain", "--no-evaluation"], 2);
    expect(status, errors).toBe(0);
    expectClose(stepsIn(lines), page, "two processes");
  });

  test("the first step is compared with the page's, and a difference fails", async () => {
    const [first] = await pageSteps(base);
    const loss = first?.loss ?? NaN;
    const checked = async (firstLoss: number) => {
      const input = bundleInput(base);
      const folder = await written(root, { ...input, page: { ...input.page, firstLoss } });
      return runPython(command, [program(folder), "--plain", "--check-first-step"]);
    };
    const same = await checked(loss);
    expect(same).toMatchObject({
      status: 0,
      lines: [{ step: 1, rows: bundleInput(base).page.firstBatch, page: loss }],
    });
    expect(Math.abs((stepsIn(same.lines)[0]?.loss ?? NaN) - loss)).toBeLessThan(tolerance);
    expect((await checked(loss + 1e-3)).status).toBe(1);
  });

  test("nDCG@10 before and after, and a folder that the page opens with the weights trained", async () => {
    const input = bundleInput({ ...base, steps: 2 });
    const folder = await written(root, input);
    const { lines, status } = runPython(command, [program(folder), "--plain"]);
    expect(status).toBe(0);
    const files = readTree(path.join(folder, "trained"));
    expect(Object.keys(files).toSorted()).toEqual(Object.keys(input.folder.files).toSorted());
    const trained = { name: "trained", files };
    expect(openFolder(trained).weights).not.toEqual(openFolder(input.folder).weights);
    expect(lines.at(-1)).toMatchObject({
      "ndcg@10": {
        before: expect.closeTo(await pageNdcg(input.folder), 6) as number,
        after: expect.closeTo(await pageNdcg(trained), 6) as number,
      },
    });
  });

  test("what it does not do is refused by its name, before anything is read", async () => {
    const recipe: ConfigInput = {
      loss: "lambdaRank",
      gist: {},
      negatives: [{ source: "adore", count: 1 }],
      best: { every: 1 },
      lora: {},
      frozenLayers: 0,
      side: "queries",
      batchTokens: 100,
    };
    const { status, errors } = runPython(command, [program(await written(root, bundleInput(recipe))), "--plain"]);
    expect(status).toBe(1);
    const problems = refusedKeys(parseConfig(recipe));
    expect(problems).toHaveLength(Object.keys(recipe).length);
    for (const problem of problems) expect(errors).toContain(`  ${problem}`);
  });

  test("a key that nobody knows is refused", async () => {
    const folder = await written(root, bundleInput(base));
    const file = path.join(folder, "recipe.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"temperature"', '"temprature"'));
    expect(runPython(command, [program(folder), "--plain"]).errors).toContain("temprature: there is no such key");
  });
});

function readTree(folder: string, under = ""): Record<string, Uint8Array<ArrayBuffer>> {
  return Object.assign(
    {},
    ...readdirSync(path.join(folder, under), { withFileTypes: true }).map((entry) => {
      const name = path.posix.join(under, entry.name);
      return entry.isDirectory()
        ? readTree(folder, name)
        : { [name]: new Uint8Array(readFileSync(path.join(folder, name))) };
    }),
  ) as Record<string, Uint8Array<ArrayBuffer>>;
}

/** By the page's encoder and the formula alone. */
async function pageNdcg(folder: EncoderFolder): Promise<number> {
  const encoder = createEncoder({ cpu: createCpuEngine, webgpu: () => Promise.reject(new Error("none")) });
  const { model } = await finish(encoder.open({ folder, engine: "cpu" }));
  const config = parseConfig(base);
  const judged = collection.judgements["test"] ?? [];
  const read = async (texts: readonly string[], kind: "query" | "document") => {
    const { values, dimensions } = await finish(encoder.encode({ model, texts, kind, config }));
    return texts.map((_, i) => values.subarray(i * dimensions, (i + 1) * dimensions));
  };
  const documents = await read(collection.documents.map(documentText), "document");
  const asked = collection.queries.filter(({ id }) => judged.some(({ queryId }) => queryId === id));
  const vectors = await read(
    asked.map(({ text }) => text),
    "query",
  );
  const perQuery = asked.map(({ id }, i) => {
    const grades = judged.filter(({ queryId }) => queryId === id);
    const score = (vector: Float32Array): number => vector.reduce((sum, x, k) => sum + x * (vectors[i]?.[k] ?? 0), 0);
    const ranked = documents.map((vector, d) => ({ d, score: score(vector) })).toSorted((a, b) => b.score - a.score);
    const grade = (d: number): number => grades.find(({ documentId }) => documentId === `d${d}`)?.grade ?? 0;
    const gain = (list: readonly number[]): number =>
      list.slice(0, 10).reduce((sum, value, at) => sum + value / Math.log2(at + 2), 0);
    return gain(ranked.map(({ d }) => grade(d))) / gain(grades.map((one) => one.grade).toSorted((a, b) => b - a));
  });
  return perQuery.reduce((sum, value) => sum + value, 0) / perQuery.length;
}
