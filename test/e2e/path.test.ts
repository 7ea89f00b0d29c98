/**
 * The whole path as a person walks it: open an encoder (a small one: WebGPU runs in software here), Run on the built-in
 * collection with WebGPU, pause, step, reload, resume, finish, search, download the encoder, open it again, and find the
 * same vectors.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { zipSync } from "fflate";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyEncoder } from "../support/encoder.ts";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

let open: OpenPage;
const downloads = mkdtempSync(path.join(os.tmpdir(), "decoy-download-"));
beforeAll(async () => {
  open = await openPage();
});
afterAll(async () => {
  await open.close();
  rmSync(downloads, { recursive: true });
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const bar = (page: Page) => page.getByRole("region", { name: "Run", exact: true });
/** The last step that the page shows; 0 before the first. */
const step = async (page: Page) => {
  await place(page, "Train");
  const [figures] = await page.locator("dl.figures").allInnerTexts();
  return Number(/Step\s+(\d+)/u.exec(figures ?? "")?.[1] ?? 0);
};

interface StoredProduct {
  readonly run: string;
  readonly name: string;
  readonly parcel: readonly { readonly sha256: string }[];
}

/** SHA-256 of the parts of each stored product, by "run name": vectors that are equal bit for bit have equal digests. */
function storedDigests(page: Page): Promise<Record<string, string>> {
  return page.evaluate(
    () =>
      new Promise<Record<string, string>>((resolve, reject) => {
        const opening = indexedDB.open("decoy");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const all: IDBRequest<StoredProduct[]> = opening.result
            .transaction("products")
            .objectStore("products")
            .getAll();
          all.addEventListener("success", () => {
            opening.result.close();
            resolve(
              Object.fromEntries(
                all.result.map((p) => [`${p.run} ${p.name}`, p.parcel.map((part) => part.sha256).join()]),
              ),
            );
          });
        });
      }),
  );
}

async function openEncoder(
  page: Page,
  file: string | { name: string; mimeType: string; buffer: Buffer },
): Promise<void> {
  await place(page, "Data");
  const encoders = page.locator('section[aria-labelledby="encoders"]').getByRole("radio");
  const before = await encoders.count();
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Open an encoder").click()]);
  await chooser.setFiles(file);
  await expect.poll(() => encoders.count(), { timeout: 60_000 }).toBe(before + 1);
}

const verdict = (page: Page) => page.getByTestId("verdict");
const results = async (page: Page, name: string) => {
  const column = page.getByRole("region", { name, exact: true });
  await column.getByRole("listitem").first().waitFor();
  return column.getByRole("listitem").allInnerTexts();
};

test("opens on the built-in collection, from a sub-folder, with one primary button", async () => {
  const { page } = open;
  await page.getByText("Near misses").first().waitFor();
  expect(await button(page, "Run").count()).toBe(1);
  await screenshot(page, "data");
});

test("opens an encoder from a zip", async () => {
  const buffer = Buffer.from(zipSync(tinyEncoder().files));
  await openEncoder(open.page, { name: "tiny.zip", mimeType: "application/zip", buffer });
  expect(await open.page.getByRole("radio", { name: "tiny" }).isChecked()).toBe(true);
});

test("runs on WebGPU, pauses, and does not go on while paused", async () => {
  const { page } = open;
  await recipe(page, {
    Engine: "WebGPU",
    Steps: "8",
    "Batch size": "4",
    "Longest document, tokens": "48",
    "Learning rate": "0.001",
  });
  await button(page, "Run").click();
  await bar(page).waitFor();
  await expect.poll(() => step(page), { timeout: 300_000 }).toBeGreaterThanOrEqual(1);
  await button(page, "Pause").click();
  await button(page, "Resume").waitFor();
  const paused = await step(page);
  await page.waitForTimeout(3000);
  expect(await step(page)).toBe(paused);
  expect(await page.getByText(/SwiftShader|WebGPU/u).count()).toBeGreaterThan(0);
  await screenshot(page, "train-paused");
});

test("one step is one step", async () => {
  const { page } = open;
  const before = await step(page);
  await button(page, "Step").click();
  await expect.poll(() => step(page), { timeout: 120_000 }).toBe(before + 1);
  await page.waitForTimeout(2000);
  expect(await step(page)).toBe(before + 1);
});

test("after a reload the run is offered again, goes on, and finishes with a verdict", async () => {
  const { page } = open;
  await page.reload();
  await button(page, "Resume").first().waitFor();
  await button(page, "Resume").first().click();
  await expect.poll(() => verdict(page).count(), { timeout: 400_000 }).toBe(1);
  expect(await verdict(page).innerText()).toMatch(
    /^(Search got better|Search got worse|No reliable difference): nDCG@10 changed by .* on 141 test queries\.$/u,
  );
  expect(await step(page)).toBe(8);
  await place(page, "Results");
  await screenshot(page, "results");
});

test("shows what a search finds before and after, with what moved", async () => {
  const { page } = open;
  await place(page, "Try it");
  await page.getByLabel("Search", { exact: true }).fill("Why does the sea come up furthest around the full moon?");
  await page.keyboard.press("Enter");
  for (const name of ["Before", "After", "BM25"]) expect(await results(page, name)).toHaveLength(10);
  await screenshot(page, "search");
  const alone = await results(page, "After");
  const words = await results(page, "BM25");
  await page.getByLabel("Before and after rank by").selectOption({ label: "BM25 and the encoder, z-scores" });
  const fused = await results(page, "After");
  expect(fused).toHaveLength(10);
  expect(fused).not.toEqual(alone);
  expect(await results(page, "BM25")).toEqual(words);
});

test("the downloaded encoder opens again and gives the same vectors, bit for bit", async () => {
  const { page } = open;
  await place(page, "Results");
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download encoder").click()]);
  const file = path.join(downloads, download.suggestedFilename());
  expect(file).toMatch(/\.zip$/u);
  await download.saveAs(file);
  const first = await storedDigests(page);
  await openEncoder(page, file);
  await place(page, "Train");
  const options = page.getByLabel("Encoder", { exact: true }).locator("option");
  await expect.poll(() => options.count()).toBe(4);
  const names = await options.allInnerTexts();
  expect(names.slice(0, 2)).toEqual(["decoy-small", "decoy-static"]);
  await recipe(page, { Encoder: names.at(-1) ?? "", Steps: "0" });
  await button(page, "Run").click();
  await expect
    .poll(async () => Object.keys(await storedDigests(page)).filter((key) => key.endsWith(" vectorsBefore")).length, {
      timeout: 300_000,
    })
    .toBe(2);
  const after = Object.entries(first).find(([key]) => key.endsWith(" vectorsAfter"));
  const again = Object.entries(await storedDigests(page)).filter(
    ([key]) => key.endsWith(" vectorsBefore") && !(key in first),
  );
  expect(again.map(([, digest]) => digest)).toEqual([after?.[1]]);
});

test("said nothing wrong on the console and asked no other host for anything", () => {
  expect(open.problems).toEqual([]);
  expect(open.strangers).toEqual([]);
});
