/** Every place in both themes, at a desk's width and a phone's: no finding of axe-core, nothing wider than the screen. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, place, recipe, screenshot, type OpenPage } from "./browser.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let open: OpenPage;
beforeAll(async () => {
  open = await openPage({ webgpu: false });
  await recipe(open.page, { Encoder: "decoy-static", Steps: "2" });
  await open.page.getByRole("button", { name: "Run", exact: true }).click();
  await open.page.getByTestId("verdict").waitFor({ timeout: 120_000 });
});
afterAll(() => open.close());

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

async function findings(page: Page): Promise<string[]> {
  // Not as a script element: the page's security policy would refuse that.
  const violations: readonly Finding[] = await page.evaluate(`${axe}; axe.run().then((result) => result.violations)`);
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`);
}

test("axe-core finds what is wrong: a canary", async () => {
  await open.page.evaluate(() => document.body.append(document.createElement("img")));
  expect((await findings(open.page)).join()).toContain("image-alt");
  await open.page.evaluate(() => document.querySelector("body > img")?.remove());
});

const widths = [1280, 360];
const themes = ["light", "dark"] as const;
const places = ["Data", "Decoys", "Train", "Results", "Try it"] as const;
const decoyViews = ["Queries and decoys", "Write decoys", "Review", "Your own", "Write queries"] as const;

/** Accessible, and no wider than the screen. */
async function inspect(page: Page, name: string, width: number, theme: string): Promise<void> {
  await page.waitForTimeout(300);
  await screenshot(page, `${name.replaceAll(" ", "-")}-${width}-${theme}`);
  expect(await findings(page), `${name} at ${width} px, ${theme}`).toEqual([]);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, `${name} is wider than ${width} px`).toBeLessThanOrEqual(0);
}

/** What a place shows when everything in it is opened. */
async function inspectParts(page: Page, place: (typeof places)[number], width: number, theme: string): Promise<void> {
  if (place === "Decoys") {
    for (const view of decoyViews) {
      await page.getByRole("navigation", { name: "Decoys" }).getByRole("button", { name: view, exact: true }).click();
      await inspect(page, view, width, theme);
    }
  }
  if (place === "Train" || place === "Results") {
    await page.evaluate(() => {
      for (const details of document.querySelectorAll<HTMLDetailsElement>("main details")) details.open = true;
    });
    await inspect(page, `${place} opened`, width, theme);
  }
}

test.each(widths.flatMap((width) => themes.map((theme) => [width, theme] as const)))(
  "at %i px, %s",
  async (width, theme) => {
    const { page } = open;
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const name of places) {
      await place(page, name);
      await inspect(page, name, width, theme);
      await inspectParts(page, name, width, theme);
    }
  },
);
