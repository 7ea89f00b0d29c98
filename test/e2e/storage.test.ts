/** What is said to be saved is there after the browser is killed, the disk is full, or another tab interferes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { servePage, startBrowser, type RunningBrowser } from "./storage.ts";

/** Numbers an arena: three parts of 1 MiB a checkpoint. */
const length = 2 ** 18;
const documents = 2_000;
const mebibyte = 2 ** 20;

let server: Awaited<ReturnType<typeof servePage>>;
let profile: string;
let browser: RunningBrowser;

beforeAll(async () => {
  server = await servePage();
});
afterAll(() => server.close());
beforeEach(async () => {
  profile = await mkdtemp(join(tmpdir(), "decoy-storage-"));
  browser = await startBrowser(profile);
});
afterEach(async () => {
  await browser.kill();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

/** Lets `work` run in a page until it has acknowledged twice and `delay` ms more have passed, then kills the browser. */
async function killDuring(work: "saveForever" | "importForever", first: number, size: number, delay: number) {
  let last = first - 1;
  let acknowledged = 0;
  let heardTwice = (): void => undefined;
  const twice = new Promise<void>((resolve) => (heardTwice = resolve));
  const page = await browser.newPage(server.origin, (saved) => {
    last = saved;
    if (++acknowledged === 2) heardTwice();
  });
  page
    .evaluate(([name, from, n]) => window.storagePage[name](from, n), [work, first, size] as const)
    .catch(() => undefined);
  await twice;
  await new Promise((resolve) => setTimeout(resolve, delay));
  await browser.kill();
  browser = await startBrowser(profile);
  return last;
}

test("five kills during continuous checkpoint saves lose nothing that was said to be saved", async () => {
  let next = 1;
  for (const delay of [0, 13, 57, 101, 223]) {
    const last = await killDuring("saveForever", next, length, delay);
    const page = await browser.newPage(server.origin);
    const step = await page.evaluate((n) => window.storagePage.load(n), length);
    expect(step).toBeGreaterThanOrEqual(last);
    next = (step ?? 0) + 1;
    await page.close();
  }
});

test("three kills during imports leave whole collections only, and every one that was said to be saved", async () => {
  let next = 1;
  for (const delay of [0, 19, 71]) {
    const last = await killDuring("importForever", next, documents, delay);
    const page = await browser.newPage(server.origin);
    const found = await page.evaluate((n) => window.storagePage.collections(n), documents);
    expect(found.whole).toHaveLength(found.listed);
    for (let number = 1; number <= last; number++) expect(found.whole).toContain(number);
    expect(found.interrupted).toBeLessThanOrEqual(1);
    next = Math.max(...found.whole) + 1;
    await page.close();
  }
});

test("a full disk refuses the write by name and keeps what was stored", async () => {
  let page = await browser.newPage(server.origin);
  const devtools = await browser.context.newCDPSession(page);
  // Before the first write: Chromium remembers for a while how much room it found.
  await devtools.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize: 12 * mebibyte });
  expect(await page.evaluate((n) => window.storagePage.save(1, n), length)).toBe("");
  expect(await page.evaluate((n) => window.storagePage.import(1, n, 50), documents)).toBe("");
  expect(await page.evaluate((n) => window.storagePage.save(2, n), 16 * length)).toBe("StorageFull");
  expect(await page.evaluate((n) => window.storagePage.load(n), length)).toBe(1);
  expect(await page.evaluate((n) => window.storagePage.import(2, n, 800), documents)).toBe("StorageFull");
  expect(await page.evaluate((n) => window.storagePage.putEncoder(n), 40 * mebibyte)).toBe("StorageFull");
  expect(await page.evaluate(() => window.storagePage.encoders())).toBe(0);
  const found = await page.evaluate((n) => window.storagePage.collections(n), documents);
  expect(found).toEqual({ whole: [1], listed: 1, interrupted: 0 });
  // The limit ends with the browser.
  await browser.kill();
  browser = await startBrowser(profile);
  page = await browser.newPage(server.origin);
  expect(await page.evaluate((n) => window.storagePage.load(n), length)).toBe(1);
  expect(await page.evaluate((n) => window.storagePage.save(2, n), 16 * length)).toBe("");
  expect(await page.evaluate((n) => window.storagePage.load(n), 16 * length)).toBe(2);
});

test("one tab writes, the next takes over when it closes; an import of a living tab is left alone", async () => {
  const first = await browser.newPage(server.origin);
  const second = await browser.newPage(server.origin);
  expect(await first.evaluate(() => window.storagePage.claim())).toBe(true);
  expect(await second.evaluate(() => window.storagePage.claim())).toBe(false);
  await first.evaluate((n) => window.storagePage.startImport(1, n), documents);
  expect(await second.evaluate(() => window.storagePage.interrupted())).toBe(0);
  const free = second.evaluate(() => window.storagePage.whenFree());
  await first.close();
  await free;
  expect(await second.evaluate(() => window.storagePage.claim())).toBe(true);
  await expect.poll(() => second.evaluate(() => window.storagePage.interrupted())).toBe(1);
});
