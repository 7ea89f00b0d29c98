/**
 * The whole path: import a collection, have decoys written, review them, mix them and train, with the browser killed at ten
 * points. Nothing that was shown is lost, and nothing is asked for twice but what was under way when a kill came. The
 * collection is SciFact where it is at hand: {@link material}.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "vite";
import { documentText } from "../../src/domain/collection.ts";
import type { Draft } from "../../src/domain/draft.ts";
import { scriptedEndpoint, type ScriptedEndpoint } from "../support/endpoint.ts";
import { serveFolder } from "../support/serve.mjs";
import { place, recipe, screenshot } from "./browser.ts";
import { countDrafts, storedIn, storedRows } from "./database.ts";
import { material } from "./material.ts";
import { startBrowser, type RunningBrowser } from "./storage.ts";

const { queries, perQuery } = material;
const wanted = queries * perQuery;
/** Its own lists of attributes come with the page. */
const preset = "Scientific claims (SciFact)";

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
  console.log(`The whole path is walked with ${material.about}.`);
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

/** The collection that was brought: the second, after the page's own. */
const brought = () => page.locator('section[aria-labelledby="collections"]').getByRole("radio").nth(1);

/** Chosen again after a kill: what was chosen is not written to disk at once. */
async function choose(): Promise<void> {
  await place(page, "Data");
  await brought().check();
  await place(page, "Decoys");
}

const stored = () => storedIn<Draft>(page, "drafts");

test("a collection is there after the browser is killed", async () => {
  await place(page, "Data");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(material.door).click()]);
  await chooser.setFiles(material.files);
  await button("Use this collection").click({ timeout: 120_000 });
  await brought().check();
  await kill();
  await place(page, "Data");
  await brought().check();
  const figures = await page.locator('section[aria-labelledby="collections"]').innerText();
  expect(figures).toContain(material.documents.toLocaleString("en"));
});

test("the preview shows every request of a recipe, and marks what only an answer will say", async () => {
  await place(page, "Decoys");
  await view("Write decoys");
  const request = page.getByRole("region", { name: "The request", exact: true });
  const recipes = page.getByLabel("Recipe", { exact: true });
  await request.locator("pre").first().waitFor();
  expect(await request.locator("mark").count()).toBe(0);
  await recipes.selectOption({ label: "CausalNeg: edit a found passage" });
  const edit = request.getByRole("region", { name: "Then: the edit of a found passage" });
  await edit.getByText('found_document":').waitFor();
  expect(await edit.locator("pre mark").count()).toBe(3);
  expect(await request.getByRole("region", { name: "First: the analysis" }).locator("mark").count()).toBe(0);
  await recipes.selectOption({ label: "SyNeg: reflect, draft, revise" });
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
  await page.getByLabel("Lists for", { exact: true }).selectOption({ label: preset });
  await page.getByRole("textbox", { name: "Decoys a query" }).fill(String(perQuery));
  await page.getByText("Text leaves this tab.").waitFor();
  model.delay = 250;
  await button("Start").click();
  for (const count of [1, 4, 7, 11]) {
    const shown = await shownAtLeast(count);
    await kill();
    expect(await countDrafts(page)).toBeGreaterThanOrEqual(shown);
    // Which collection was chosen, Chromium may not have written yet; then the page leads back to it.
    await button("Show")
      .or(brought().and(page.locator(":checked")))
      .first()
      .waitFor();
    if (await button("Show").isVisible()) await button("Show").click();
    await place(page, "Decoys");
    await view("Write decoys");
    await button("Go on").click();
  }
  model.delay = 0;
  await expect.poll(() => countDrafts(page), { timeout: 120_000 }).toBe(wanted);
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
  await choose();
  await view("Review");
  await page.getByRole("region", { name: "Review queue" }).waitFor();
  await page.keyboard.press("r");
  await expect.poll(async () => (await decided()).length).toBe(2);
  await kill();
  await choose();
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
  await brought().check();
  const counts = { "Synthetic negatives a query": String(perQuery), "BM25 negatives a query": "1" };
  await recipe(page, { Mix: "Hybrid", ...counts, ...material.recipe });
  await button("Run").click();
  await expect.poll(async () => (await storedIn(page, "runs")).length).toBe(1);
  await kill();
  await button("Resume").click();
  await place(page, "Train");
  await expect.poll(() => page.locator("dl.figures").allInnerTexts(), { timeout: 60_000 }).not.toEqual([]);
  await kill();
  await button("Resume").click();
  await place(page, "Results");
  await page.getByTestId("verdict").waitFor({ timeout: 120_000 });
  expect(kills).toBe(10);
  const drafts = await stored();
  const rejected = drafts.filter(({ review }) => review?.decision === "rejected");
  const changed = drafts.filter(({ review }) => review?.before);
  expect([rejected.length, changed.length]).toEqual([1, 1]);
  const { rows, documents } = await storedRows(page);
  expect(rows).toHaveLength(material.rows);
  const trained = new Set(
    rows.flatMap(({ negatives }) =>
      negatives.flatMap(({ source, document }) => (source === "synthetic" ? [documents[document]] : [])),
    ),
  );
  // Every decoy that stands, as the person left it, and none that was rejected.
  const standing = drafts.filter((draft) => !rejected.includes(draft));
  expect(trained).toEqual(new Set(standing.map(documentText)));
  expect(trained.size).toBe(wanted - 1);
  await choose();
  await view("Queries and decoys");
  await page.getByText(`The ${material.rows} rows that Run 1 trains on`).waitFor();
  for (const { text } of changed) await page.getByText(text).first().waitFor();
  await screenshot(page, "decoys-trained");
  // One by BM25 a row; rows of one query may share theirs.
  await view("Review");
  const judge = page.getByRole("region", { name: "A second look by a model" });
  const found = new Set(
    rows.flatMap(({ query, negatives }) =>
      negatives.filter(({ source }) => source === "bm25").map(({ document }) => JSON.stringify([query, document])),
    ),
  );
  const count = found.size.toLocaleString("en");
  await judge.getByText(`Run 1 found ${count} passages of this collection to train against.`).waitFor();
  await judge.getByRole("button", { name: `Judge ${count} found passages not looked at` }).waitFor();
  await judge.getByText(`${count} calls to the model`).waitFor();
});
