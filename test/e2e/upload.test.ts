/**
 * To the hub and nowhere else: signed in by another tab, the encoder and the rows arrive byte for byte; the token is in nothing
 * that the browser keeps. huggingface.co is played by a hub on this machine, so everything but the name is real.
 */
import { readFileSync } from "node:fs";
import { strFromU8, unzipSync } from "fflate";
import { parquetReadObjects } from "hyparquet";
import type { BrowserContext, Page, Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takingHub } from "../support/takingHub.ts";
import { openPage, place, recipe, type OpenPage } from "./browser.ts";
import { inspect } from "./inspect.ts";

let open: OpenPage;
let hub: Awaited<ReturnType<typeof takingHub>>;
let breaks = false;

/** What a browser sends to huggingface.co goes to the hub here. */
async function ofTheHub(route: Route): Promise<void> {
  const request = route.request();
  const { pathname, search } = new URL(request.url());
  if (request.method() === "OPTIONS") {
    const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*, authorization" };
    return route.fulfill({ status: 204, headers });
  }
  const body = request.postDataBuffer();
  const response = await fetch(`${hub.hub.base}${pathname}${search}`, {
    method: request.method(),
    headers: request.headers(),
    redirect: "manual",
    ...(body && { body: new Uint8Array(body) }),
  });
  const back = response.headers.get("location");
  // The person reads what is asked for, and agrees.
  if (back !== null)
    return route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><title>Hub</title><a href="${back.replaceAll("&", "&amp;")}">Authorize</a>`,
    });
  return route.fulfill({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  });
}

async function play(context: BrowserContext, url: string, clientId: string): Promise<void> {
  await context.route("https://huggingface.co/**", ofTheHub);
  await context.route(`${url}hub.json`, (route) => route.fulfill({ json: { client_id: clientId, redirect_uris: [] } }));
}

beforeAll(async () => {
  hub = await takingHub({
    user: "ada",
    tokens: ["hf_pasted"],
    largeFrom: 4000,
    knownAs: "https://huggingface.co",
    fault: ({ method }) => (breaks && method === "PUT" ? "cut" : undefined),
  });
  open = await openPage({ webgpu: false });
  await play(open.context, open.url, "https://decoy.example/hub.json");
  await recipe(open.page, { Encoder: "decoy-static", Steps: "2" });
  await button(open.page, "Run").click();
  await open.page.getByTestId("verdict").waitFor({ timeout: 120_000 });
});
afterAll(async () => {
  await open.close();
  await hub.close();
});

const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });
const box = (page: Page, name: RegExp) => page.locator("details.upload > summary").filter({ hasText: name });

/** Everything that outlives the page, as text. */
async function kept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const found: unknown[] = [
      location.href,
      Object.entries(localStorage),
      Object.entries(sessionStorage),
      document.cookie,
    ];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name ?? "");
        opening.addEventListener("success", () => resolve(opening.result));
        opening.addEventListener("error", () => reject(opening.error ?? new Error("no database")));
      });
      for (const store of database.objectStoreNames) {
        const records = await new Promise<unknown[]>((resolve, reject) => {
          const reading = database.transaction(store).objectStore(store).getAll();
          reading.addEventListener("success", () => resolve(reading.result as unknown[]));
          reading.addEventListener("error", () => reject(reading.error ?? new Error("no records")));
        });
        found.push(
          JSON.stringify(records, (_, value: unknown) => (ArrayBuffer.isView(value) ? value.byteLength : value)),
        );
      }
      database.close();
    }
    for (const name of await caches.keys()) found.push((await (await caches.open(name)).keys()).map(({ url }) => url));
    return JSON.stringify(found);
  });
}

const strangersNow = () => open.strangers.map((url) => new URL(url).host);

test("nothing is asked of the hub before somebody signs in", async () => {
  const { page } = open;
  await place(page, "Results");
  await box(page, /^Send the encoder/u).click();
  await page.getByRole("link", { name: "Sign in with Hugging Face" }).waitFor();
  await inspect(page, "upload-signed-out");
  expect(strangersNow()).toEqual([]);
  expect(hub.asked).toEqual([]);
});

test("signed in by another tab; that one has neither code nor token in its address, and this page stays as it was", async () => {
  const { page, context } = open;
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    page.getByRole("link", { name: "Sign in with Hugging Face" }).click(),
  ]);
  const closed = new Promise<void>((resolve) => tab.once("close", () => resolve()));
  await tab.getByRole("link", { name: "Authorize" }).click();
  await page.getByText("Signed in as ada.").waitFor();
  await Promise.race([closed, tab.waitForTimeout(800)]).catch(() => undefined);
  if (!tab.isClosed()) {
    expect(new URL(tab.url()).search).toBe("");
    await tab.close();
  }
  expect(hub.scopes).toEqual(["openid profile contribute-repos"]);
  expect(await page.getByTestId("verdict").isVisible()).toBe(true);
});

test("what will be sent is shown; not a byte of it goes out before Send is pressed", async () => {
  const { page } = open;
  const before = hub.asked.length;
  await button(page, "Put the files together").click();
  await page.getByRole("list", { name: "Files to send" }).waitFor({ timeout: 60_000 });
  await page.getByText(/, to a new private model ada\/decoy-static-near-misses on huggingface\.co\.$/u).waitFor();
  await inspect(page, "upload-plan");
  expect(hub.asked.length).toBe(before);
});

test("cut in the middle it says so; sent again, it goes on and arrives as the download is", async () => {
  const { page } = open;
  breaks = true;
  await button(page, /^Send \d+ files$/u).click();
  await page.getByRole("alert").filter({ hasText: "broke off" }).waitFor({ timeout: 60_000 });
  breaks = false;
  await page.getByText(/, to the private model/u).waitFor();
  await button(page, /^Send \d+ files$/u).click();
  await page.getByTestId("uploaded").waitFor({ timeout: 60_000 });
  await inspect(page, "upload-done");
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download encoder").click()]);
  const files = unzipSync(readFileSync(await download.path()));
  const repository = hub.repositories.get("models/ada/decoy-static-near-misses");
  expect(repository?.isPrivate).toBe(true);
  expect([...(repository?.files.keys() ?? [])].toSorted()).toEqual(Object.keys(files).toSorted());
  for (const [path, bytes] of Object.entries(files))
    expect(Buffer.compare(Buffer.from(repository?.files.get(path) ?? []), Buffer.from(bytes)), path).toBe(0);
  expect(Object.keys(files)).toContain("0_StaticEmbedding/model.safetensors");
});

test("a name that is taken is asked about, and rows go as a dataset with their card", async () => {
  const { page } = open;
  await page
    .locator("details.menu > summary")
    .filter({ hasText: /^Export this run/u })
    .click();
  await box(page, /^Send the rows/u).click();
  await button(page, "Put the files together").click();
  await page.getByText(/, to a new private dataset ada\/near-misses-rows/u).waitFor({ timeout: 60_000 });
  hub.repositories.set("datasets/ada/near-misses-rows", { isPrivate: true, files: new Map(), commits: [] });
  await button(page, /^Send \d+ files$/u).click();
  await page.getByLabel("It is there already: add these files to it").check();
  await inspect(page, "upload-taken");
  await button(page, /^Send \d+ files$/u).click();
  await page.getByTestId("uploaded").waitFor({ timeout: 60_000 });
  const files = hub.repositories.get("datasets/ada/near-misses-rows")?.files ?? new Map<string, Uint8Array>();
  const card = strFromU8(files.get("README.md") ?? new Uint8Array());
  const tables = [...files.keys()].filter((path) => path.endsWith(".parquet"));
  expect(tables.length).toBeGreaterThan(0);
  for (const table of tables) expect(card).toContain(`data_files: ${table}\n`);
  const rows = await parquetReadObjects({ file: new Uint8Array(files.get(tables[0] ?? "") ?? []).buffer });
  expect(Object.keys(rows[0] ?? {}).slice(0, 2)).toEqual(["anchor", "positive"]);
});

test("the token is in nothing that is kept, and gone after signing out", async () => {
  const { page } = open;
  const tokens = [...hub.tokens].filter((token) => token !== "hf_pasted");
  expect(tokens).toHaveLength(1);
  await page.evaluate(() => sessionStorage.setItem("canary", "hf_oauth_canary"));
  const canary = await kept(page);
  // What is looked through is the database too, and a token in it would be seen.
  for (const there of ["hf_oauth_canary", "Near misses", "decoy-static"]) expect(canary).toContain(there);
  await page.evaluate(() => sessionStorage.clear());
  const text = await kept(page);
  for (const secret of ["hf_oauth_", "code=", "state="]) expect(text).not.toContain(secret);
  await button(page, "Sign out").click();
  await page.getByRole("link", { name: "Sign in with Hugging Face" }).waitFor();
  expect(await page.getByText("Signed in as").count()).toBe(0);
});

test("a pasted token works as well, is kept nowhere, and a reload forgets it", async () => {
  const { page } = open;
  await page.getByText("With an access token instead").click();
  await page.getByLabel("Access token that may write").fill("hf_wrong");
  await button(page, "Use token").click();
  await page.getByRole("alert").filter({ hasText: "sign in again" }).waitFor();
  await page.getByLabel("Access token that may write").fill("hf_pasted");
  await button(page, "Use token").click();
  await page.getByText("Signed in as ada.").waitFor();
  expect(await kept(page)).not.toMatch(/hf_(pasted|wrong)/u);
  await page.reload();
  await place(page, "Results");
  await box(page, /^Send the encoder/u).click();
  await page.getByRole("link", { name: "Sign in with Hugging Face" }).waitFor();
});

test("no other host than the hub and its storage was asked for anything", () => {
  expect([...new Set(strangersNow())].toSorted()).toEqual([new URL(hub.hub.base).host, "huggingface.co"].toSorted());
});
