/**
 * What goes out and comes in again: an encoder with ONNX files that were compared here, training rows as Parquet, and
 * everything in one file, opened in a browser that has never seen any of it.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { parquetReadObjects } from "hyparquet";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const downloads = mkdtempSync(path.join(os.tmpdir(), "decoy-out-"));
const project = path.join(downloads, "project.zip");

let open: OpenPage;
let fresh: OpenPage | undefined;
beforeAll(async () => {
  open = await openPage({ webgpu: false });
  await recipe(open.page, { Encoder: "decoy-static", Steps: "2" });
  await button(open.page, "Run").click();
  await open.page.getByTestId("verdict").waitFor({ timeout: 120_000 });
});
afterAll(async () => {
  await open.close();
  await fresh?.close();
  rmSync(downloads, { recursive: true });
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const menu = (page: Page, name: RegExp) => page.locator("details.menu > summary").filter({ hasText: name });
const scores = (page: Page) => page.getByRole("region", { name: "Scores", exact: true }).innerText();

async function given(page: Page, name: string, timeout = 60_000): Promise<Record<string, Uint8Array>> {
  const [download] = await Promise.all([page.waitForEvent("download", { timeout }), button(page, name).click()]);
  return unzipSync(readFileSync(await download.path()));
}

/** Accessible in both themes, at a desk's width and a phone's, and no wider than the screen. */
async function inspect(page: Page, name: string): Promise<void> {
  for (const [width, theme] of [
    [1280, "light"],
    [1280, "dark"],
    [360, "light"],
    [360, "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.waitForTimeout(200);
    await screenshot(page, `${name}-${width}-${theme}`);
    const found: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[] =
      await page.evaluate(`${axe}; axe.run().then((result) => result.violations)`);
    expect(
      found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`),
      `${name} at ${width} px, ${theme}`,
    ).toEqual([]);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, `${name} is wider than ${width} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test("the encoder comes with the ONNX files that were asked for, and with how near they are", async () => {
  const { page } = open;
  await place(page, "Results");
  await menu(page, /^With ONNX/u).click();
  await page.getByLabel("ONNX, 32 bits").check();
  await page.getByLabel("ONNX, 8 bits").check();
  const files = await given(page, "Download encoder", 120_000);
  expect(Object.keys(files)).toEqual(
    expect.arrayContaining(["modules.json", "onnx/model.onnx", "onnx/model_quantized.onnx", "tokenizer.json"]),
  );
  expect(Object.keys(files)).not.toContain("onnx/model_fp16.onnx");
  // The full card: the figures of the run, which the encoder's own has not.
  expect(strFromU8(files["README.md"] ?? new Uint8Array())).toContain("| 141 test queries | nDCG@10 |");
  const lines = await page.getByTestId("cosines").getByRole("listitem").allInnerTexts();
  expect(lines).toHaveLength(2);
  const worst = lines.map((line) => Number(/at worst (\d\.\d+), on average \d\.\d+ \(32 texts\)$/u.exec(line)?.[1]));
  expect(worst[0]).toBeGreaterThan(0.99999);
  expect(worst[1]).toBeGreaterThan(0.98);
  expect(worst[1]).toBeLessThan(1);
  await menu(page, /^Export this run/u).click();
  await inspect(page, "export-results");
});

test("training rows come as Parquet with where each negative is from", async () => {
  const { page } = open;
  const files = await given(page, "Training rows, Parquet");
  const name = Object.keys(files).find((each) => each.endsWith(".parquet")) ?? "";
  const bytes = files[name] ?? new Uint8Array();
  const rows = await parquetReadObjects({ file: bytes.slice().buffer });
  expect(rows.length).toBeGreaterThan(50);
  expect(Object.keys(rows[0] ?? {}).slice(0, 3)).toEqual(["anchor", "positive", "negative_1"]);
  const [first] = strFromU8(files["provenance.jsonl"] ?? new Uint8Array()).split("\n");
  expect(JSON.parse(first ?? "")).toMatchObject({ row: 0, negatives: [{ source: "synthetic" }, {}, {}, {}, {}] });
});

test("tables and rankings of the run, and the collection as BEIR", async () => {
  const { page } = open;
  const tables = await given(page, "Tables, CSV");
  expect(Object.keys(tables)).toEqual(["scores.csv", "comparisons.csv", "queries.csv"]);
  const trec = await given(page, "Rankings for TREC");
  const qrels = strFromU8(trec["qrels.txt"] ?? new Uint8Array());
  expect(new Set(qrels.split("\n").flatMap((line) => line.split(" ")[0] || [])).size).toBe(141);
  expect(Object.keys(trec)).toEqual(expect.arrayContaining(["bm25.trec", "before.trec", "after.trec"]));
  await place(page, "Data");
  await menu(page, /^Export Near misses/u).click();
  expect(Object.keys(await given(page, "Collection as BEIR"))).toEqual(
    expect.arrayContaining(["corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "negatives.jsonl"]),
  );
  await inspect(page, "export-data");
});

test("everything saved in one file opens in another browser: the run is there with its figures", async () => {
  const { page } = open;
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Save everything").click()]);
  expect(download.suggestedFilename()).toMatch(/^decoy-\d{4}-\d\d-\d\d\.zip$/u);
  await download.saveAs(project);
  await place(page, "Results");
  const before = await scores(page);

  fresh = await openPage({ webgpu: false });
  const other = fresh.page;
  await place(other, "Results");
  await other.getByText("No run yet").waitFor();
  await place(other, "Data");
  // As anything else that is brought: what it is, is seen in it.
  const [chooser] = await Promise.all([other.waitForEvent("filechooser"), button(other, "Choose files").click()]);
  await chooser.setFiles(project);
  const opened = other.getByTestId("opened");
  await opened.waitFor({ timeout: 60_000 });
  expect(await opened.innerText()).toContain("1 run added, 0 here already");
  await inspect(other, "project-opened");
  await other.reload();
  await place(other, "Results");
  expect(await scores(other)).toBe(before);
  const files = await given(other, "Download encoder");
  expect(strFromU8(files["README.md"] ?? new Uint8Array())).toContain("| 141 test queries | nDCG@10 |");
});

test("opened a second time it adds nothing", async () => {
  if (!fresh) throw new Error("there is no other browser");
  const { page } = fresh;
  await place(page, "Data");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Open a project").click()]);
  await chooser.setFiles(project);
  const opened = page.getByTestId("opened");
  await opened.waitFor({ timeout: 60_000 });
  expect(await opened.innerText()).toContain("0 runs added, 1 here already");
});

test("said nothing wrong on the console and asked no other host for anything", () => {
  expect([...open.problems, ...(fresh?.problems ?? [])]).toEqual([]);
  expect([...open.strangers, ...(fresh?.strangers ?? [])]).toEqual([]);
});
