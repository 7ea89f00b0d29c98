/** A model server that lets no other page ask: what the browser refuses is explained, and nothing else stands in the way. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptedEndpoint, type ScriptedEndpoint } from "../support/endpoint.ts";
import { openPage, place, screenshot, type OpenPage } from "./browser.ts";

let open: OpenPage;
let model: ScriptedEndpoint;
beforeAll(async () => {
  open = await openPage();
  model = await scriptedEndpoint();
  model.allows = false;
});
afterAll(async () => {
  await open.close();
  await model.close();
});

test("a refusal by CORS names the settings that allow the page; once allowed, decoys are written", async () => {
  const { page } = open;
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
  const start = page.getByRole("button", { name: "Start", exact: true }).first();
  await start.click();
  const { origin } = new URL(page.url());
  await page.getByText(`OLLAMA_ORIGINS=${origin}`).first().waitFor({ timeout: 30_000 });
  // The browser asked whether it may, was not told so, and asked nothing more.
  expect(model.asked.size).toBe(0);
  await screenshot(page, "endpoint-refused");
  model.allows = true;
  await start.click();
  await expect.poll(() => model.asked.size, { timeout: 30_000 }).toBeGreaterThan(1);
});
