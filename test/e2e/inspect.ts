/** A view looked at by axe-core and by the width of the screen, with a screenshot of each. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { screenshot } from "./browser.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Accessible in both themes, at a desk's width and a phone's, and no wider than the screen. */
export async function inspect(page: Page, name: string): Promise<void> {
  for (const [width, theme] of [
    [1280, "light"],
    [1280, "dark"],
    [360, "light"],
    [360, "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.waitForTimeout(200);
    await screenshot(page, `${name}-${width}-${theme}`);
    const found: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[] =
      await page.evaluate(`${axe}; axe.run().then((result) => result.violations)`);
    expect(
      found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`),
      `${name} at ${width} px, ${theme}`,
    ).toEqual([]);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, `${name} is wider than ${width} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}
