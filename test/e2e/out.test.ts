/**
 * What goes out and comes in again: an encoder with ONNX files that were compared here, training rows as Parquet, and
 * everything in one file, opened in a browser that has never seen any of it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { parquetReadObjects } from "hyparquet";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../support/chromium.mjs";
import { python, pythonEnv } from "../support/python.ts";
import { openPage, place, recipe, type OpenPage } from "./browser.ts";
import { inspect } from "./inspect.ts";

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

test("the encoder comes with the ONNX files that were asked for, and with how near they are", async () => {
  const { page } = open;
  await place(page, "Results");
  await menu(page, /^With ONNX/u).click();
  await page.getByLabel("ONNX, 32 bits").check();
  await page.getByLabel("ONNX, 8 bits").check();
  await page.getByLabel("Weights in 16 bits").check();
  const files = await given(page, "Download encoder", 120_000);
  expect(Object.keys(files)).toEqual(
    expect.arrayContaining(["modules.json", "onnx/model.onnx", "onnx/model_quantized.onnx", "tokenizer.json"]),
  );
  expect(Object.keys(files)).not.toContain("onnx/model_fp16.onnx");
  const header = strFromU8((files["0_StaticEmbedding/model.safetensors"] ?? new Uint8Array()).subarray(0, 4000));
  expect(header).toContain('"dtype":"F16"');
  expect(header).not.toContain('"dtype":"F32"');
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

test("a bundle for a cluster, whose program computes the page's first loss", async () => {
  const { page } = open;
  const files = await given(page, "Continue on a cluster");
  const named = ["README.md", "recipe.json", "train.py", "data/train.parquet", "data/beir/qrels/test.tsv"];
  expect(Object.keys(files)).toEqual(expect.arrayContaining([...named, "encoder/modules.json", "requests.jsonl"]));
  const command = python();
  if (command === undefined) return console.log("skipped: no torch (train.py of the page was not run)");
  const folder = path.join(downloads, "cluster");
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
  const program = [path.join(folder, "train.py"), "--plain", "--check-first-step"];
  const { status, stdout, stderr } = spawnSync(command, program, { env: pythonEnv, encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
  const { loss, page: known } = JSON.parse(stdout) as { readonly loss: number; readonly page: number };
  expect(Math.abs(loss - known)).toBeLessThan(1e-4);
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

/** Saves what a button gives out; its address as a file. */
async function savedReport(page: Page, name: string, file: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent("download", { timeout: 60_000 }),
    button(page, name).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/-report\.html$/u);
  await download.saveAs(path.join(downloads, file));
  return `file://${path.join(downloads, file)}`;
}

/** Opens a report as whoever gets it would: a file, no network, no script; then with scripts, for what inspects it. */
async function inspectReport(address: string, name: string, look: (page: Page) => Promise<void>): Promise<void> {
  const executablePath = findChromium();
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ["--no-sandbox"] });
  try {
    const context = await browser.newContext({ javaScriptEnabled: false, offline: true });
    const page = await context.newPage();
    const [asked, said]: [string[], string[]] = [[], []];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => said.push(message.text()));
    await page.goto(address);
    await look(page);
    expect(asked).toEqual([address]);
    expect(said).toEqual([]);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(255, 255, 255)");
    expect(
      (await page.pdf({ path: path.join("out", "screenshots", `${name}.pdf`), format: "A4" })).length,
    ).toBeGreaterThan(10_000);
    const other = await (await browser.newContext({ bypassCSP: true })).newPage();
    await other.goto(address);
    await inspect(other, name);
  } finally {
    await browser.close();
  }
}

test("the report of a run opens as a file without network and scripts, with the page's figures", async () => {
  const { page } = open;
  await place(page, "Results");
  await menu(page, /^Export this run/u).click();
  const verdict = await page.getByTestId("verdict").innerText();
  const figures = await scores(page);
  const address = await savedReport(page, "Report, HTML", "run.html");
  await inspectReport(address, "report-run", async (report) => {
    expect(await report.locator(".verdict").first().innerText()).toBe(verdict);
    expect((await scores(report)).replace(/\s+/gu, " ")).toBe(figures.replace(/\s+/gu, " "));
    expect(await report.locator(".told li").count()).toBeGreaterThan(1);
    expect(await report.locator(".chart svg").count()).toBeGreaterThanOrEqual(2);
    const differences = report.getByRole("region", { name: "What differs from the defaults" }).getByRole("row");
    expect((await differences.allInnerTexts()).map((row) => row.replace(/\s+/gu, " "))).toContain("steps not set 2");
  });
});

test("two runs are compared in a report: what differs, and the paired test", async () => {
  const { page } = open;
  await recipe(page, { Steps: "3", Seed: "7" });
  await button(page, "Run").click();
  await place(page, "Results");
  const boxes = page.getByRole("checkbox", { name: /^Compare /u });
  await boxes.nth(1).waitFor({ timeout: 120_000 });
  expect(await button(page, "Compare in a report").isDisabled()).toBe(true);
  for (const box of await boxes.all()) await box.check();
  await inspect(page, "results-runs");
  const address = await savedReport(page, "Compare in a report", "comparison.html");
  await inspectReport(address, "report-comparison", async (report) => {
    const differences = report.getByRole("region", { name: /^Keys of the recipe first/u });
    expect(await differences.getByRole("row").allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^seed\s+1\s+7/u), expect.stringMatching(/^steps\s+2\s+3/u)]),
    );
    const tests = await report.getByRole("region", { name: /^Against / }).innerText();
    expect(tests).toMatch(/p (?:= \.|= 1\.|< \.)\d{3}/u);
  });
});

test("said nothing wrong on the console and asked no other host for anything", () => {
  expect([...open.problems, ...(fresh?.problems ?? [])]).toEqual([]);
  expect([...open.strangers, ...(fresh?.strangers ?? [])]).toEqual([]);
});
