/**
 * Writing decoys, reviewing them and training on them, with the browser killed at ten points: nothing that was shown is
 * lost, and nothing is asked for twice but what was under way when a kill came.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { zipSync } from "fflate";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "vite";
import type { Draft } from "../../src/domain/draft.ts";
import { scriptedEndpoint, type ScriptedEndpoint } from "../support/endpoint.ts";
import { serveFolder } from "../support/serve.mjs";
import { place, recipe, screenshot } from "./browser.ts";
import { startBrowser, type RunningBrowser } from "./storage.ts";

const queries = 8;
const perQuery = 2;
const wanted = queries * perQuery;

let server: Awaited<ReturnType<typeof serveFolder>>;
let model: ScriptedEndpoint;
let profile: string;
let browser: RunningBrowser;
let page: Page;
let kills = 0;

async function open(): Promise<void> {
  browser = await startBrowser(profile);
  page = await browser.context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(server.url);
  await page.getByRole("navigation", { name: "Places" }).waitFor();
}

/** SIGKILL to the whole browser, and the page opened again on the same profile. */
async function kill(): Promise<void> {
  kills++;
  await browser.kill();
  await open();
}

beforeAll(async () => {
  if (!existsSync("dist/index.html")) await build({ logLevel: "warn" });
  server = await serveFolder("dist", "/sub/folder/");
  model = await scriptedEndpoint();
  profile = await mkdtemp(path.join(tmpdir(), "decoy-decoys-"));
  await open();
});
afterAll(async () => {
  await browser.kill();
  server.close();
  await model.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" }).first();
const view = (name: string) =>
  page.getByRole("navigation", { name: "Decoys" }).getByRole("button", { name, exact: true }).click();

/** Chosen again after a kill: what was chosen is not written to disk at once. */
async function choose(name: RegExp): Promise<void> {
  await place(page, "Data");
  await page.getByRole("radio", { name }).check();
  await place(page, "Decoys");
}

const stored = () => storedIn<Draft>("drafts");

/** What a store of the database holds now. */
function storedIn<T>(store: "drafts" | "runs"): Promise<T[]> {
  return page.evaluate(
    (name) =>
      new Promise<T[]>((resolve, reject) => {
        const opening = indexedDB.open("decoy");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const all = opening.result.transaction(name).objectStore(name).getAll();
          all.addEventListener("success", () => {
            opening.result.close();
            resolve(all.result.map((value: { draft?: T } & T) => value.draft ?? value));
          });
        });
      }),
    store,
  );
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const lines = (rows: readonly object[]) => utf8(rows.map((row) => JSON.stringify(row)).join("\n"));
const towns = Array.from({ length: 24 }, (_, i) => ({
  _id: `d${i}`,
  title: `Town ${i}`,
  text: `The harbour of town ${i} was dug in ${1500 + 7 * i} when the river silted up. Its ${["gulls", "boats", "nets", "tides"][i % 4]} gave it a name, and the toll on salt paid for the light on pier ${i}.`,
}));
const asked = Array.from({ length: queries + 6 }, (_, i) => ({
  _id: `q${i}`,
  text: `When was the harbour of town ${i} dug?`,
}));
const qrels = (from: number, to: number) =>
  utf8(
    ["query-id\tcorpus-id\tscore", ...asked.slice(from, to).map((_, i) => `q${from + i}\td${from + i}\t1`)].join("\n"),
  );

test("a collection is there after the browser is killed", async () => {
  await place(page, "Data");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button("Choose files").click()]);
  const zip = zipSync({
    "towns/corpus.jsonl": lines(towns),
    "towns/queries.jsonl": lines(asked),
    "towns/qrels/train.tsv": qrels(0, queries),
    "towns/qrels/test.tsv": qrels(queries, queries + 6),
  });
  await chooser.setFiles({ name: "towns.zip", mimeType: "application/zip", buffer: Buffer.from(zip) });
  await button("Use this collection").click();
  await page.getByRole("radio", { name: /towns/u }).check();
  await kill();
  await place(page, "Data");
  await page.getByRole("radio", { name: /towns/u }).check();
});

/** Waits until the bar says that at least `count` decoys are written, and tells how many it says. */
async function shownAtLeast(count: number): Promise<number> {
  const bar = page.getByRole("region", { name: "Writing decoys" });
  let shown = 0;
  await expect
    .poll(
      async () => {
        const words = await bar.innerText({ timeout: 1000 }).catch(() => "");
        shown = Number(/(\d+) of \d+/u.exec(words)?.[1] ?? 0);
        return shown >= count;
      },
      { timeout: 60_000, interval: 50 },
    )
    .toBe(true);
  return shown;
}

test("four kills while decoys are written lose none that was shown, and nothing is asked for again", async () => {
  await place(page, "Decoys");
  await view("Write decoys");
  await page
    .getByLabel("Where the decoys come from", { exact: true })
    .selectOption({ label: "An endpoint (OpenAI’s protocol)" });
  await page.getByRole("textbox", { name: "Address" }).fill(model.url);
  await page.getByRole("textbox", { name: "Model" }).fill("scripted");
  await page.getByRole("textbox", { name: "Requests at once" }).fill("1");
  await page.getByRole("textbox", { name: "Decoys a query" }).fill(String(perQuery));
  await page.getByText("Text leaves this tab.").waitFor();
  model.delay = 250;
  await button("Start").click();
  for (const count of [1, 4, 7, 11]) {
    const shown = await shownAtLeast(count);
    await kill();
    expect((await stored()).length).toBeGreaterThanOrEqual(shown);
    // Which collection was chosen, Chromium may not have written yet; then the page leads back to it.
    await button("Show")
      .or(page.getByRole("radio", { name: /towns/u, checked: true }))
      .first()
      .waitFor();
    if (await button("Show").isVisible()) await button("Show").click();
    await place(page, "Decoys");
    await view("Write decoys");
    await button("Go on").click();
  }
  model.delay = 0;
  await expect.poll(async () => (await stored()).length, { timeout: 60_000 }).toBe(wanted);
  await expect.poll(() => page.getByRole("region", { name: "Writing decoys" }).count()).toBe(0);
  expect((await stored()).map(({ outcome }) => outcome)).toEqual(Array<string>(wanted).fill("accepted"));
  // One answer may have been under way at each kill, whole but not yet stored.
  const again = [...model.asked.values()].reduce((sum, times) => sum + times - 1, 0);
  expect(model.asked.size).toBe(wanted);
  expect(again).toBeLessThanOrEqual(4);
  await screenshot(page, "decoys-written");
});

const decided = async () => (await stored()).filter(({ review }) => review);

test("three kills during the review keep every decision", async () => {
  await view("Review");
  await page.getByRole("region", { name: "Review queue" }).waitFor();
  await page.keyboard.press("a");
  await expect.poll(async () => (await decided()).length).toBe(1);
  await kill();
  expect((await decided()).map(({ review }) => review?.decision)).toEqual(["accepted"]);
  await choose(/towns/u);
  await view("Review");
  await page.getByRole("region", { name: "Review queue" }).waitFor();
  await page.keyboard.press("r");
  await expect.poll(async () => (await decided()).length).toBe(2);
  await kill();
  await choose(/towns/u);
  await view("Review");
  await page.getByRole("region", { name: "Review queue" }).waitFor();
  await page.keyboard.press("e");
  await page
    .getByRole("textbox", { name: "Text of the decoy" })
    .fill("A person wrote this about the harbour of a town, and it says nothing of the year it was dug.");
  await button("Keep the change").click();
  await expect.poll(async () => (await decided()).length).toBe(3);
  await kill();
  const decisions = (await decided()).map(({ review }) => review);
  expect(decisions.map((review) => review?.decision)).toEqual(
    expect.arrayContaining(["accepted", "accepted", "rejected"]),
  );
  expect(decisions).toHaveLength(3);
  expect(decisions.filter((review) => review?.before)).toHaveLength(1);
  expect(await stored()).toHaveLength(wanted);
});

test("two kills during the run, and it still ends with a verdict on the decoys that stand", async () => {
  await place(page, "Data");
  await page.getByRole("radio", { name: /towns/u }).check();
  await recipe(page, { "Synthetic negatives a query": "2", "BM25 negatives a query": "1", Steps: "6" });
  await button("Run").click();
  await expect.poll(async () => (await storedIn("runs")).length).toBe(1);
  await kill();
  await button("Resume").click();
  await place(page, "Train");
  await expect.poll(() => page.locator("dl.figures").allInnerTexts(), { timeout: 60_000 }).not.toEqual([]);
  await kill();
  await button("Resume").click();
  await place(page, "Results");
  await page.getByTestId("verdict").waitFor({ timeout: 120_000 });
  expect(kills).toBe(10);
  const rejected = (await stored()).filter(({ review }) => review?.decision === "rejected");
  const changed = (await stored()).filter(({ review }) => review?.before);
  await choose(/towns/u);
  await view("Queries and decoys");
  await page.getByText(/rows that Run 1 trains on/u).waitFor();
  let rows = await page.getByRole("main").innerText();
  for (let pages = 1; pages < queries && (await button("Next").isEnabled()); pages++) {
    await button("Next").click();
    rows += await page.getByRole("main").innerText();
  }
  for (const { text } of rejected) expect(rows).not.toContain(text);
  for (const { text } of changed) expect(rows).toContain(text);
  expect([rejected.length, changed.length]).toEqual([1, 1]);
  await screenshot(page, "decoys-trained");
});
