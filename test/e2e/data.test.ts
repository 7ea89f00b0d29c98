/** A person's own data, wrong input, and the page without WebGPU and in a second tab. */
import { readFileSync } from "node:fs";
import { zipSync } from "fflate";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

let open: OpenPage;
beforeAll(async () => {
  open = await openPage({ webgpu: false });
});
afterAll(() => open.close());

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const lines = (rows: readonly unknown[]) =>
  rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n");
const utf8 = (text: string) => new TextEncoder().encode(text);

interface File {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}
const file = (name: string, content: string | Uint8Array): File => ({
  name,
  mimeType: "application/octet-stream",
  buffer: Buffer.from(content),
});

async function choose(page: Page, files: File | File[]): Promise<void> {
  await place(page, "Data");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Choose files").click()]);
  await chooser.setFiles(files);
}

const passage = (i: number) =>
  `Passage ${i} tells of the harbour of town ${i} and of the ${["gulls", "boats", "nets", "tides"][i % 4]} there.`;
const corpus = Array.from({ length: 40 }, (_, i) => ({ _id: `d${i}`, title: `Town ${i}`, text: passage(i) }));
const queries = Array.from({ length: 20 }, (_, i) => ({
  _id: `q${i}`,
  text: `What is there in the harbour of town ${i}?`,
}));
const qrels = (from: number, to: number) =>
  ["query-id\tcorpus-id\tscore", ...queries.slice(from, to).map((_, i) => `q${from + i}\td${from + i}\t1`)].join("\n");

/** A BEIR zip with four rows that cannot be used. */
const beirZip = zipSync({
  "harbours/corpus.jsonl": utf8(lines([...corpus, corpus[0], "{not json", { _id: "empty", title: "", text: "" }])),
  "harbours/queries.jsonl": utf8(lines(queries)),
  "harbours/qrels/train.tsv": utf8(qrels(0, 10)),
  "harbours/qrels/test.tsv": utf8(`${qrels(10, 20)}\nq10\tnowhere\t1`),
});

test("says what is wrong with a file that it cannot read, and goes on", async () => {
  const { page } = open;
  const wrong: readonly (readonly [File, RegExp])[] = [
    [file("paper.pdf", "%PDF-1.7 hello"), /PDF/u],
    [file("broken.zip", "PK\u0003\u0004 and nothing more"), /zip/iu],
    [file("empty.jsonl", ""), /empty|no rows|nothing/iu],
    [file("long.jsonl", `{"query": "${"x".repeat(5_000_000)}"}`), /1 MiB|too long|long/iu],
    [file("queries.jsonl", lines(queries)), /corpus\.jsonl/u],
  ];
  for (const [given, words] of wrong) {
    await choose(page, given);
    const alert = page.getByRole("alert").filter({ hasText: words });
    await alert.first().waitFor({ timeout: 20_000 });
    await button(page, "Dismiss").first().click();
  }
});

test("previews a zip with what was left out, lets the rows be saved, and keeps it over a reload", async () => {
  const { page } = open;
  await choose(page, file("harbours.zip", beirZip));
  await button(page, "Use this collection").waitFor();
  const preview = await page.locator(".preview").innerText();
  expect(preview).toMatch(/40 documents, 20 queries/u);
  expect(preview).toMatch(/4 rows left out/u);
  // All ask "What is there in the harbour of town …?".
  expect(preview).toMatch(/Of 10 test queries, 0 share .* and 10 nearly repeat one; 0 are clean/u);
  await screenshot(page, "import-preview");
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download rejected rows").click()]);
  const rows = readFileSync(await download.path(), "utf8")
    .trim()
    .split("\n");
  expect(rows.map((row) => (JSON.parse(row) as { line: number }).line).toSorted((a, b) => a - b)).toEqual([
    12, 41, 42, 43,
  ]);
  await button(page, "Use this collection").click();
  await page.getByRole("radio", { name: /harbours/u }).waitFor();
  await page.reload();
  await place(page, "Data");
  await page.getByRole("radio", { name: /harbours/u }).waitFor();
  await page.getByText("test 10 of 10: 0 by a document, 10 near-copies").waitFor();
});

test("without WebGPU it trains on the CPU engine and says so", async () => {
  const { page } = open;
  await place(page, "Data");
  await page.getByRole("radio", { name: /harbours/u }).check();
  await recipe(page, { Epochs: "2", "Batch size": "4" });
  await button(page, "Run").click();
  await expect.poll(() => page.getByTestId("verdict").count(), { timeout: 120_000 }).toBe(1);
  expect(await page.getByTestId("clean-verdict").innerText()).toMatch(/^There is no clean query/u);
  expect(await page.getByRole("region", { name: "Scores", exact: true }).locator("tbody tr").count()).toBe(7);
  await place(page, "Train");
  expect(await page.getByText(/Computes on the CPU/u).innerText()).toMatch(/WebGPU could not be used/u);
});

test("a JSONL of pairs is divided into train and test and trains", async () => {
  const { page } = open;
  const rows = queries.map(({ text }, i) => ({ query: text, positive: passage(i), negatives: [passage(i + 20)] }));
  await choose(page, file("pairs.jsonl", lines(rows)));
  await button(page, "Use this collection").click();
  await page.getByRole("radio", { name: /pairs/u }).check();
  const before = await page.getByTestId("verdict").count();
  expect(before).toBeLessThanOrEqual(1);
  await recipe(page, { Steps: "2" });
  await button(page, "Run").click();
  await page
    .getByText(/on \d+ test queries\./u)
    .first()
    .waitFor({ timeout: 120_000 });
});

test("documents alone: nothing to run until they are to be learned from, and the result says that its queries are made up", async () => {
  const { page } = open;
  const word = (i: number, n: number) => `w${i}x${n}`;
  const sentence = (i: number, n: number) =>
    `The ${word(i, n)} of ${word(i, n + 1)} has a ${word(i, n + 2)} by the sea.`;
  const alone = corpus.map(({ _id }, i) => ({ _id, title: `Town ${i}`, text: `${sentence(i, 0)} ${sentence(i, 5)}` }));
  await choose(page, file("corpus.jsonl", lines(alone)));
  await button(page, "Use this collection").click();
  await page.getByRole("radio", { name: /corpus/u }).check();
  expect(await button(page, "Run").isDisabled()).toBe(true);
  await button(page, "Learn from the documents").click();
  await recipe(page, { Steps: "2" });
  await button(page, "Run").click();
  await page
    .getByText(/on 20 made-up queries for held-out documents\./u)
    .first()
    .waitFor({ timeout: 120_000 });
  await recipe(page, { "Training pairs": "Judged queries" });
  expect(await button(page, "Run").isDisabled()).toBe(true);
  await place(page, "Data");
  await page.getByRole("radio", { name: /harbours/u }).check();
});

test("a recipe that cannot be is refused at the field, and Run waits", async () => {
  const { page } = open;
  await recipe(page, { Temperature: "-1" });
  await page
    .getByRole("alert")
    .filter({ hasText: /temperature/iu })
    .first()
    .waitFor();
  expect(await button(page, "Run").isDisabled()).toBe(true);
  await recipe(page, { Temperature: "0.05" });
  expect(await button(page, "Run").isDisabled()).toBe(false);
});

test("a second tab can look but not write", async () => {
  const second = await open.context.newPage();
  await second.goto(open.url);
  await second.getByText(/open in another tab/u).waitFor();
  await second.getByRole("radio", { name: /harbours/u }).waitFor();
  await place(second, "Train");
  expect(await button(second, "Run").isDisabled()).toBe(true);
  await second.close();
});
