/** The first visit: the built-in collection, the recipe as it is, one button, and a verdict. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

let open: OpenPage;
beforeAll(async () => {
  open = await openPage({ webgpu: false });
});
afterAll(() => open.close());

test("decoy-small is chosen, and decoy-static runs through the whole recipe to its verdict", async () => {
  const { page } = open;
  await place(page, "Train");
  expect(await page.getByLabel("Encoder", { exact: true }).inputValue()).toBe("decoy-small");
  await recipe(page, { Encoder: "decoy-static" });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const verdict = page.getByTestId("verdict");
  await verdict.waitFor({ timeout: 180_000 });
  expect(await verdict.innerText()).toMatch(/: nDCG@10 changed by .* on 141 test queries\.$/u);
  await place(page, "Results");
  await screenshot(page, "defaults");
});
