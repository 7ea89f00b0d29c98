/**
 * An encoder of the hub in the built page: fetched in the middle of which the page is closed, gone on with, trained, kept over a
 * reload, removed; and answers that are refused. Chromium's requests to huggingface.co are answered by a hub on this machine with the
 * real one's paths, whose large files lie, by a redirect, on another host.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { PIECE } from "../../src/hub/kept.ts";
import { random } from "../../src/base/random.ts";
import { tinyConfig, tinyEncoder, tinyShape } from "../support/encoder.ts";
import { hubServer, type Fault } from "../support/hubServer.ts";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

const id = "somebody/random-encoder";
const commit = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS = "model.safetensors";

/** 128 wide, with so many token vectors that its file has three pieces. */
const shape = { ...tinyShape, hidden: 64, heads: 2, intermediate: 64, vocabulary: 40_000, positions: 512 };
const folder = tinyEncoder({
  "config.json": {
    ...tinyConfig,
    hidden_size: 64,
    intermediate_size: 64,
    vocab_size: 40_000,
    max_position_embeddings: 512,
  },
  "modules.json": [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  ],
  "1_Pooling/config.json": { pooling_mode_mean_tokens: true },
  [WEIGHTS]: writeSafetensors(
    parameterTable(shape).tensors.map(({ name, shape: dimensions }) => {
      const numbers = random(7, name);
      const values = new Float32Array(size(dimensions));
      return {
        name,
        shape: dimensions,
        values: name.endsWith("LayerNorm.weight") ? values.fill(1) : values.map(() => 0.1 * numbers.normal()),
      };
    }),
    "F32",
  ),
});
const weights = folder.files[WEIGHTS] ?? new Uint8Array();

/** What the next requests for paths that end so are answered with. */
const faults = new Map<string, Fault>();
const faultOf = (path: string): Fault | undefined => [...faults].find(([end]) => path.endsWith(end))?.[1];

let open: OpenPage;
let page: Page;
let hub: Awaited<ReturnType<typeof hubServer>>;
beforeAll(async () => {
  hub = await hubServer({ id, commit, files: { ...folder.files, "onnx/model.onnx": new Uint8Array(9) } }, faultOf);
  open = await openPage({ webgpu: false });
  page = open.page;
  await open.context.route("https://huggingface.co/**", async (route) => {
    const { pathname, search } = new URL(route.request().url());
    const answer = await fetch(hub.hub.base + pathname + search, { headers: headersOf(route), redirect: "manual" });
    const body = Buffer.from(await answer.arrayBuffer());
    await route.fulfill({ status: answer.status, headers: Object.fromEntries(answer.headers), body });
  });
});
afterAll(async () => {
  await open.close();
  await hub.close();
});

const headersOf = (route: Parameters<Parameters<Page["route"]>[1]>[0]) => {
  const { range } = route.request().headers();
  return range === undefined ? {} : { range };
};

const button = (name: string) => page.getByRole("button", { name, exact: true });
const alert = (words: RegExp) => page.getByRole("alert").filter({ hasText: words }).first();
const chosen = () => page.getByRole("radio", { name: new RegExp(id, "u") });

async function openHub(): Promise<void> {
  await place(page, "Data");
  const box = page.locator("details.hub");
  if (!(await box.evaluate((details) => details.hasAttribute("open")))) await box.locator("summary").first().click();
  await page.getByRole("region", { name: "Encoders of the hub" }).waitFor();
}

async function ask(revision = ""): Promise<void> {
  await openHub();
  await page.getByLabel("Any other encoder").fill(id);
  await page.getByLabel("Revision", { exact: true }).fill(revision);
  await button("Download").click();
}

/** Keys of what is kept of hub encoders. */
const keptPaths = (): Promise<string[]> =>
  page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const opening = indexedDB.open("decoy");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const keys = opening.result.transaction("files").objectStore("files").getAllKeys();
          keys.addEventListener("success", () => {
            opening.result.close();
            resolve(keys.result.map((key) => String((key as string[])[2])));
          });
        });
      }),
  );

test("before anything is asked it says of whom, and what each encoder would take, and asks nothing", async () => {
  await openHub();
  const table = page.getByRole("region", { name: "Encoders of the hub" });
  await expect.poll(() => table.getByText("On the CPU engine, slowly").count(), { timeout: 60_000 }).toBe(11);
  const large = await table.getByRole("row", { name: /BGE large/u }).innerText();
  expect(large).toMatch(/mit\s+1,024\s+334 M\s+about 1\.3 GB/u);
  const [full = 0, lora = 0] = [...large.matchAll(/([\d.]+) GB/gu)].slice(1).map(([, number]) => Number(number));
  // Weights, gradient and two moments of 334 million numbers are 5.3 GB, without activations.
  expect(full).toBeGreaterThan(5.3);
  expect(lora).toBeLessThan(full);
  await screenshot(page, "hub");
  expect(hub.asked).toEqual([]);
  expect(open.strangers).toEqual([]);
});

test("an answer that is a web page is refused, and nothing is kept of it", async () => {
  faults.set("/main", { kind: "html" });
  await ask();
  await alert(/A web page came instead of somebody\/random-encoder/u).waitFor();
  faults.clear();
  expect(await keptPaths()).toEqual([]);
  await button("Dismiss").first().click();
});

test("bytes that are not the file's are refused, and thrown away", async () => {
  faults.set(`cdn/${WEIGHTS}`, { kind: "flip" });
  await ask();
  await alert(/model\.safetensors is not the file that the hub lists: its checksum is another/u).waitFor({
    timeout: 30_000,
  });
  faults.clear();
  const left = await keptPaths();
  expect(left).toContain("config.json");
  expect(left.filter((path) => path.startsWith(WEIGHTS) || path === "#encoder")).toEqual([]);
  expect(await chosen().count()).toBe(0);
  await button("Dismiss").first().click();
  await button(`Remove what came of ${id}`).click();
  await expect.poll(keptPaths).toEqual([]);
});

test("closed in the middle, it goes on with the bytes that are missing", async () => {
  faults.set(`cdn/${WEIGHTS}`, { kind: "stall", after: PIECE + 100_000 });
  await ask();
  await expect.poll(keptPaths, { timeout: 30_000 }).toContain(`${WEIGHTS}#0`);
  await page.getByText(/Downloading somebody\/random-encoder: 4\.\d of 10\.\d MB/u).waitFor();
  await page.close();
  faults.clear();
  hub.asked.length = 0;
  page = await open.context.newPage();
  await page.goto(open.url);
  await openHub();
  await page.getByText(/unfinished: 4 MB of revision 0123456 are here/u).waitFor();
  expect(hub.asked).toEqual([]);
  await button(`Go on with ${id}`).click();
  await page.getByText(/is here: 1 layer, 64 wide/u).waitFor({ timeout: 30_000 });
  const asked = hub.asked.filter(({ path }) => path === `/cdn/${WEIGHTS}`).map(({ range }) => range);
  expect(asked).toEqual([`bytes=${PIECE}-${weights.length - 1}`]);
  expect(await chosen().isChecked()).toBe(true);
});

test("trains from it, and has it after a reload", async () => {
  await recipe(page, { Steps: "2", "Longest document, tokens": "32" }).catch(() => recipe(page, { Steps: "2" }));
  hub.asked.length = 0;
  await button("Run").click();
  await page.getByTestId("verdict").waitFor({ timeout: 180_000 });
  await page.reload();
  await place(page, "Data");
  await chosen().waitFor();
  expect(await chosen().isChecked()).toBe(true);
  await page.getByText(/10 MB, from the hub, revision 0123456/u).waitFor();
  // A stored encoder asks for nothing.
  expect(hub.asked).toEqual([]);
  await screenshot(page, "hub-kept");
});

test("removed, it can be brought back; then it is gone", async () => {
  await place(page, "Data");
  await button(`Remove ${id}`).click();
  await chosen().waitFor({ state: "detached" });
  await button("Undo").click();
  await chosen().waitFor();
  await expect.poll(() => chosen().isChecked()).toBe(true);
  await button(`Remove ${id}`).click();
  await expect.poll(keptPaths, { timeout: 30_000 }).toEqual([]);
});
