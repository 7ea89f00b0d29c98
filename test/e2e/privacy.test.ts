/**
 * The service worker: what the panel lists against what the browser saw, the switch against a server that counts, the
 * built-in path with no network at all.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page, Request } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptedEndpoint, type ScriptedEndpoint } from "../support/endpoint.ts";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let open: OpenPage;
let model: ScriptedEndpoint;
const seen: Request[] = [];
beforeAll(async () => {
  model = await scriptedEndpoint();
  open = await openPage({ webgpu: false });
});
afterAll(async () => {
  await open.close();
  await model.close();
});

const button = (name: string) => open.page.getByRole("button", { name, exact: true });
const panel = (page: Page) => page.getByRole("dialog", { name: "Privacy" });

async function openPanel(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Privacy/u }).click();
  await panel(page).waitFor();
}
const closePanel = (page: Page) => panel(page).getByRole("button", { name: "Close" }).click();

async function switchOffline(page: Page, on: boolean): Promise<void> {
  await openPanel(page);
  await panel(page).getByRole("checkbox", { name: "Offline" }).setChecked(on);
  await closePanel(page);
}

/** Until the page's files are kept and its requests pass through the worker. */
const guarded = (page: Page) =>
  page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated", undefined, { timeout: 60_000 });

/** The lines of a list in the panel: address, bytes sent and received, outcome. */
async function listed(page: Page, name: string): Promise<string[][]> {
  const region = panel(page).getByRole("region", { name, exact: true });
  const rows = region.locator("tbody tr");
  return rows.evaluateAll((rows) =>
    rows.map((row) => [1, 3, 4, 5].map((index) => row.querySelectorAll("td")[index]?.textContent ?? "")),
  );
}

const column = (rows: readonly (readonly string[])[], index: number): string[] =>
  rows.map((row) => row[index] ?? "").sort();

const addressOf = (request: Request): string => {
  const { host, pathname } = new URL(request.url());
  return `${request.method()} ${host}${pathname}`;
};

async function writeDecoys(page: Page): Promise<void> {
  await place(page, "Decoys");
  await page
    .getByRole("navigation", { name: "Decoys" })
    .getByRole("button", { name: "Write decoys", exact: true })
    .click();
  await page
    .getByLabel("Where the decoys come from", { exact: true })
    .selectOption({ label: "An endpoint (OpenAI’s protocol)" });
  await page.getByRole("textbox", { name: "Address" }).fill(model.url);
  await page.getByRole("textbox", { name: "Model" }).fill("scripted");
  await page.getByRole("button", { name: "Start", exact: true }).first().click();
}

test("the first visit keeps the page's files and takes care of it, threads and all", async () => {
  const { page } = open;
  await page.getByText("Near misses").first().waitFor();
  await guarded(page);
  const kept = await page.evaluate(async () => {
    const name = (await caches.keys()).find((name) => name.startsWith("decoy http"));
    return name === undefined ? [] : (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname);
  });
  expect(kept).toEqual(expect.arrayContaining(["/sub/folder/", "/sub/folder/encoders/decoy-static/modules.json"]));
  expect(kept.filter((path) => path.endsWith(".wasm"))).toEqual([]);
});

test("the panel lists exactly the requests that the browser saw, with the bytes that went out", async () => {
  const { page } = open;
  page.on("request", (request) => seen.push(request));
  await page.reload();
  await page.getByText("Near misses").first().waitFor();
  model.delay = 100;
  await writeDecoys(page);
  await expect.poll(() => model.asked.size, { timeout: 60_000 }).toBeGreaterThan(3);
  await page.getByRole("button", { name: "Stop", exact: true }).first().click();
  await page.waitForTimeout(1500);
  await openPanel(page);
  await page.evaluate(() => {
    for (const details of document.querySelectorAll<HTMLDetailsElement>("dialog details")) details.open = true;
  });
  const others = await listed(page, "Every request to another host");
  const strangers = seen.filter((request) => !request.url().startsWith(open.url) && request.url().startsWith("http"));
  expect(strangers.length).toBeGreaterThan(3);
  expect(column(others, 0)).toEqual(strangers.map(addressOf).sort());
  const words = (bytes: number) => (bytes < 1000 ? `${bytes} bytes` : `${Math.round(bytes / 1000)} kB`);
  const bodies = strangers.map((request) => request.postDataBuffer()?.length ?? 0);
  expect(column(others, 1)).toEqual(bodies.map(words).sort());
  expect(column(others, 3)).toContain("answered (200)");
  const answered = others.filter(([, , , outcome]) => outcome === "answered (200)");
  for (const [, , received] of answered) expect(received).toMatch(/^\d+ (kB|bytes)$/u);
  const own = await listed(page, "Every request to this page’s own host");
  const files = seen.filter((request) => request.url().startsWith(open.url));
  expect(column(own, 0)).toEqual(files.map(addressOf).sort());
  const total = bodies.reduce((sum, bytes) => sum + bytes, 0);
  expect(await page.getByTestId("privacy-summary").innerText()).toContain(
    `${strangers.length} requests with ${words(total)} went to 1 other host`,
  );
});

test.each([
  [1280, "light"],
  [1280, "dark"],
  [360, "light"],
  [360, "dark"],
] as const)("the panel is accessible and fits at %i px, %s", async (width, theme) => {
  const { page } = open;
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.waitForTimeout(200);
  await screenshot(page, `privacy-${width}-${theme}`);
  const found: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[] =
    await page.evaluate(`${axe}; axe.run().then((result) => result.violations)`);
  expect(found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`)).toEqual([]);
  const over = await panel(page).evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
});

test("switched offline, nothing is asked of an endpoint, and the words name the switch", async () => {
  const { page } = open;
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.keyboard.press("Escape");
  await switchOffline(page, true);
  const before = model.asked.size;
  await page.getByRole("button", { name: "Start", exact: true }).first().click();
  await page
    .getByText(/Offline is switched on under Privacy/u)
    .first()
    .waitFor({ timeout: 30_000 });
  await screenshot(page, "privacy-offline");
  expect(model.asked.size).toBe(before);
});

/** What a bare fetch meets, past every fetcher of ours: in the page, or in a thread made from a blob. */
const bareFetch = (page: Page, url: string, thread: boolean) =>
  page.evaluate(
    async ({ url, thread }) => {
      const code = `fetch(${JSON.stringify(url)}, { method: "POST", body: '{"messages":[]}' }).then((r) => r.text(), (e) => "no: " + e.message)`;
      if (!thread)
        return fetch(url, { method: "POST", body: '{"messages":[]}' }).then(
          (response) => response.text(),
          (error: Error) => `no: ${error.message}`,
        );
      const worker = new Worker(URL.createObjectURL(new Blob([`${code}.then((said) => postMessage(said))`])));
      return new Promise<string>((resolve) =>
        worker.addEventListener("message", ({ data }: MessageEvent<string>) => resolve(data)),
      );
    },
    { url, thread },
  );

const putToSleep = async (page: Page): Promise<void> => {
  const session = await open.context.newCDPSession(page);
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  await session.detach();
};

test.each([false, true])("the worker refuses every other host, just woken up too (in a thread: %s)", async (thread) => {
  const { page } = open;
  const address = `${model.url}/chat/completions`;
  expect(await bareFetch(page, address, thread)).toBe("no: Failed to fetch");
  await putToSleep(page);
  expect(await bareFetch(page, address, thread)).toBe("no: Failed to fetch");
});

test("the switch stays on over a reload, and switched off everything answers again", async () => {
  const { page } = open;
  await page.reload();
  await page.getByRole("button", { name: "Privacy: offline" }).waitFor();
  await openPanel(page);
  await expect
    .poll(() => panel(page).getByRole("checkbox", { name: "Offline" }).isEnabled(), { timeout: 30_000 })
    .toBe(true);
  expect(await panel(page).getByRole("checkbox", { name: "Offline" }).isChecked()).toBe(true);
  await closePanel(page);
  await switchOffline(page, false);
  for (const thread of [false, true]) {
    const before = model.asked.size;
    expect(await bareFetch(page, `${model.url}/chat/completions`, thread)).toContain("choices");
    await putToSleep(page);
    expect(await bareFetch(page, `${model.url}/chat/completions`, thread)).toContain("choices");
    expect(model.asked.size).toBeGreaterThanOrEqual(before);
  }
});

test("without a network the page opens, trains to its verdict and searches", async () => {
  const { page } = open;
  await open.context.setOffline(true);
  const elsewhere: string[] = [];
  page.on("response", (response) => {
    if (response.url().startsWith("http") && !response.fromServiceWorker()) elsewhere.push(response.url());
  });
  await page.reload();
  await page.getByText("Near misses").first().waitFor();
  await recipe(page, { Encoder: "decoy-static", Steps: "2" });
  await button("Run").click();
  await page.getByTestId("verdict").waitFor({ timeout: 120_000 });
  await place(page, "Try it");
  await page.getByLabel("Search", { exact: true }).fill("Why does the sea come up furthest around the full moon?");
  await page.keyboard.press("Enter");
  const column = page.getByRole("region", { name: "BM25", exact: true });
  await column.getByRole("listitem").first().waitFor();
  expect(await column.getByRole("listitem").count()).toBe(10);
  await screenshot(page, "privacy-no-network");
  expect(elsewhere).toEqual([]);
  await open.context.setOffline(false);
});
