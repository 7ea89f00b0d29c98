/** One build after another on the same host: the newer one replaces the older whole, when asked or on the next visit, and never in part. */
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildOfflineWorker } from "../../tools/offlineWorker.ts";
import { openPage, screenshot, type OpenPage } from "./browser.ts";

const scratch = mkdtempSync(path.join(os.tmpdir(), "decoy-versions-"));
const served = path.join(scratch, "served");
let open: OpenPage;

/** The host's folder is another one from now on, at once. */
function serve(name: string): void {
  symlinkSync(path.join(scratch, name), path.join(scratch, "next"));
  renameSync(path.join(scratch, "next"), served);
}

/** Build `name`: `from` with its name written into the page and into a file that has no digest in its name. */
async function makeBuild(name: string, from: string): Promise<void> {
  const folder = path.join(scratch, name);
  cpSync(from, folder, { recursive: true });
  const index = path.join(folder, "index.html");
  writeFileSync(index, readFileSync(index, "utf8").replace(/<title>[^<]*/u, `<title>Decoy ${name}`));
  writeFileSync(path.join(folder, "collection", "card.md"), `Build ${name}.`);
  await buildOfflineWorker(process.cwd(), folder);
}

beforeAll(async () => {
  if (!existsSync("dist/index.html")) await build({ logLevel: "warn" });
  for (const name of ["one", "two", "three"]) await makeBuild(name, "dist");
  serve("one");
  open = await openPage({ webgpu: false, folder: served });
});
afterAll(async () => {
  await open.close();
  rmSync(scratch, { recursive: true });
});

const card = (page: Page) => page.evaluate(async () => (await fetch("collection/card.md")).text());
const guarded = (page: Page) =>
  page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated", undefined, { timeout: 60_000 });
const keptBuilds = (page: Page) =>
  page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("decoy http")).length);
const notice = (page: Page) => page.getByText("A new version of Decoy is ready.");

test("an open page stays with its build while the host gives another, and says that a newer one is ready", async () => {
  const { page } = open;
  await guarded(page);
  serve("two");
  await page.reload();
  await notice(page).waitFor({ timeout: 60_000 });
  expect(await page.title()).toBe("Decoy one");
  expect(await card(page)).toBe("Build one.");
  await screenshot(page, "new-version");
});

test("with a second tab open nothing is replaced: the person is told to close it", async () => {
  const { page, context, url } = open;
  const second = await context.newPage();
  await second.goto(url);
  await notice(second).waitFor();
  await page.getByRole("button", { name: "Reload", exact: true }).click();
  await page.getByText("Decoy is open in another tab. Close it, then reload.").waitFor();
  for (const tab of [page, second]) expect([await tab.title(), await card(tab)]).toEqual(["Decoy one", "Build one."]);
  await second.close();
});

test("asked for, the newer build replaces the older one whole", async () => {
  const { page } = open;
  await page.getByRole("button", { name: "Reload", exact: true }).click();
  await expect.poll(() => page.title().catch(() => ""), { timeout: 30_000 }).toBe("Decoy two");
  await guarded(page);
  expect(await card(page)).toBe("Build two.");
  await expect.poll(() => keptBuilds(page), { timeout: 30_000 }).toBe(1);
});

test("so it does by itself once every tab was closed", async () => {
  const { page, url } = open;
  serve("three");
  await page.reload();
  await notice(page).waitFor({ timeout: 60_000 });
  // The browser takes its time to let the older worker go.
  const opened = async (): Promise<string> => {
    await page.goto("about:blank");
    await page.waitForTimeout(1000);
    await page.goto(url);
    const [title, text] = [await page.title(), await card(page)];
    expect([title, text]).toEqual(
      title === "Decoy two" ? ["Decoy two", "Build two."] : ["Decoy three", "Build three."],
    );
    return title;
  };
  await expect.poll(opened, { timeout: 60_000 }).toBe("Decoy three");
});

test("a host caught in the middle of an update is not kept: the page stays with the build it has", async () => {
  const { page } = open;
  await makeBuild("four", path.join(scratch, "three"));
  writeFileSync(path.join(scratch, "four", "collection", "card.md"), "Not yet of build four.");
  serve("four");
  await page.reload();
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.update().catch(() => undefined);
  });
  await page.waitForTimeout(2000);
  // What was begun of it goes again once a file is found to be another.
  await expect.poll(() => keptBuilds(page), { timeout: 30_000 }).toBe(1);
  expect(await notice(page).count()).toBe(0);
  expect([await page.title(), await card(page)]).toEqual(["Decoy three", "Build three."]);
});
