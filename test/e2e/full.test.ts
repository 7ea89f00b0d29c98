/** Full storage: the run is not lost, the person is told the numbers and what to do, and what was stored stays. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

let open: OpenPage;
beforeAll(async () => {
  // Enough for the rankings of a run, not for its checkpoints, which are 26 MB.
  open = await openPage({ webgpu: false, quota: 12_000_000 });
});
afterAll(() => open.close());

const button = (name: string) => open.page.getByRole("button", { name, exact: true });

test("a run that cannot be saved pauses and says so", async () => {
  await recipe(open.page, { Encoder: "decoy-static", Steps: "2" });
  await button("Run").click();
  const words = open.page.getByText(/Storage is full: this .* needs [\d.]+ MB/u).first();
  await words.waitFor({ timeout: 120_000 });
  await screenshot(open.page, "storage-full");
  expect(await words.innerText()).toMatch(/Remove/u);
});

test("it can go on without being saved, to its verdict", async () => {
  for (let tries = 0; tries < 20 && (await open.page.getByTestId("verdict").count()) === 0; tries++) {
    const on = open.page.getByRole("button", { name: /Resume|without/u }).first();
    if (await on.isVisible().catch(() => false)) await on.click();
    await open.page.waitForTimeout(2000);
  }
  expect(await open.page.getByTestId("verdict").count()).toBe(1);
});

test("after a reload the page works, with what had been stored", async () => {
  await open.page.reload();
  await place(open.page, "Data");
  await open.page.getByRole("radio", { name: /Near misses/u }).waitFor();
  await place(open.page, "Results");
  await open.page.getByText("Run 1", { exact: true }).first().waitFor();
});
