/**
 * Takes the README's pictures from the built page, as a person would see it: runs the built-in collection on the CPU
 * engine and walks to the places shown.
 *
 *   npm run build && npm run screenshots
 */
import { openPage, place, recipe } from "../test/e2e/browser.ts";

/** Long enough for a slow machine. */
const PATIENCE = 600_000;

export async function main(): Promise<void> {
  const { page, close } = await openPage({ webgpu: false });
  // It takes seconds.
  await recipe(page, { Encoder: "decoy-static" });
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByTestId("verdict").waitFor({ timeout: PATIENCE });
  for (const [name, file] of [
    ["Train", "train"],
    ["Decoys", "decoys"],
    ["Results", "results"],
  ] as const) {
    await place(page, name);
    await page.waitForTimeout(500);
    await page.screenshot({ path: `docs/${file}.png` });
  }
  await place(page, "Try it");
  await page.getByLabel("Search", { exact: true }).fill("Why does the sea come up furthest around the full moon?");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "After", exact: true }).getByRole("listitem").first().waitFor();
  await page.screenshot({ path: "docs/search.png" });
  await close();
}
