/** Looking into a collection of 100,000 documents, explaining the columns of a table, other splits, figures. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPage, place, screenshot, type OpenPage } from "./browser.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const folder = mkdtempSync(join(tmpdir(), "decoy-inside-"));
let open: OpenPage;
beforeAll(async () => {
  open = await openPage({ webgpu: false });
});
afterAll(async () => {
  await open.close();
  rmSync(folder, { recursive: true, force: true });
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const view = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Data" }).getByRole("button", { name, exact: true }).click();

/** As a file on disk: handing over a large buffer would itself block the page. */
async function choose(page: Page, name: string, content: string): Promise<void> {
  const path = join(folder, name);
  writeFileSync(path, content);
  await place(page, "Data");
  await view(page, "Collections");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Choose files").click()]);
  await chooser.setFiles(path);
}

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Accessible, and no wider than the screen, in both themes and at both widths. */
async function inspect(page: Page, name: string): Promise<void> {
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.waitForTimeout(200);
      await page.screenshot({ path: `out/screenshots/inside-${name}-${width}-${colorScheme}.png` });
      const violations: readonly Finding[] = await page.evaluate(`${axe}; axe.run().then((done) => done.violations)`);
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`),
        `${name} at ${width} px, ${colorScheme}`,
      ).toEqual([]);
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(over, `${name} is wider than ${width} px`).toBeLessThanOrEqual(0);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Milliseconds of the main thread's tasks over 50 ms, while `act` goes on. */
async function longTasks(page: Page, act: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ type: "longtask" });
    Object.assign(globalThis, { longTasks: tasks });
  });
  await act();
  await page.waitForTimeout(300);
  return page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks);
}

test("the built-in collection: queries, documents and judgements lead to each other", async () => {
  const { page } = open;
  await place(page, "Data");
  await view(page, "Queries");
  const list = page.getByRole("list", { name: "queries" });
  await list.getByRole("button").first().click();
  await screenshot(page, "inside-query");
  await inspect(page, "queries");
  const link = list.locator(".long-detail .links button").first();
  const title = await link.innerText();
  await link.click();
  const opened = page.getByRole("list", { name: "documents" }).locator("li.open");
  await opened.waitFor();
  expect(await opened.innerText()).toContain(title);
  // The keyboard is where the link led to.
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-expanded"))).toBe("true");
  await inspect(page, "document");
  await opened.locator(".links button").first().click();
  await page.getByRole("list", { name: "queries" }).locator("li.open").waitFor();
  await view(page, "Judgements");
  await page.getByRole("list", { name: "judgements" }).getByRole("button").nth(1).click();
  await inspect(page, "judgements");
});

test("figures with their tables", async () => {
  const { page } = open;
  await view(page, "Statistics");
  await page.getByRole("figure").first().waitFor();
  await inspect(page, "statistics");
  await page.getByText("As a table").first().click();
  await screenshot(page, "inside-statistics");
});

test("other splits are a collection of their own, and the old one stays", async () => {
  const { page } = open;
  await view(page, "Splits");
  await page.getByLabel("Hold queries out").check();
  await page.getByLabel("Percent").fill("30");
  await page.getByLabel("Held out as").selectOption("dev");
  await button(page, "Work out the splits").click();
  await page.getByRole("region", { name: "New splits" }).waitFor();
  await inspect(page, "splits");
  await screenshot(page, "inside-splits");
  await button(page, "Make it a collection").click();
  await page.getByRole("radio", { name: /, new splits/u }).waitFor();
  expect(await page.getByRole("radio", { name: /, new splits/u }).isChecked()).toBe(true);
  expect(await page.getByRole("radio", { name: /Comes with Decoy/u }).count()).toBe(1);
});

const questions = Array.from(
  { length: 30 },
  (_, i) => `"Wo liegt, bitte, der Hafen ${i}?";Hafen ${i} liegt am Fluss ${i}.;${i}`,
);

test("the columns of a CSV with names of its own are explained, then it is read", async () => {
  const { page } = open;
  const csv = `\uFEFFFrage;Antwort;Nr\r\n${questions.join("\r\n")}\r\nkaputt;nur zwei\r\n`;
  await choose(page, "haefen.csv", csv);
  await page.getByRole("heading", { name: "What do the columns mean?" }).waitFor();
  expect(await button(page, "Read it so").isDisabled()).toBe(true);
  await page.getByText(/No column is the query/u).waitFor();
  await page.getByLabel("Frage is").selectOption("query");
  await page.getByText(/No column is the positive/u).waitFor();
  await page.getByLabel("Antwort is").selectOption("positive");
  await inspect(page, "columns");
  await page.getByRole("heading", { name: "What do the columns mean?" }).scrollIntoViewIfNeeded();
  await screenshot(page, "inside-columns");
  await button(page, "Read it so").click();
  await button(page, "Use this collection").waitFor();
  const preview = await page.locator(".preview").innerText();
  expect(preview).toMatch(/30 documents, 30 queries/u);
  expect(preview).toMatch(/query from Frage, positive from Antwort/u);
  expect(preview).toMatch(/1 row left out/u);
  // And back, and on again.
  await button(page, "Change the columns").click();
  await page.getByLabel("Nr is").selectOption("documentId");
  await button(page, "Read it so").click();
  await button(page, "Use this collection").click();
  await page.getByRole("radio", { name: /haefen/u }).waitFor();
  await view(page, "Documents");
  await page.getByText("30 documents").waitFor();
});

const words = ["gulls", "boats", "nets", "tides", "salt", "rope", "lamps", "stones"];
const many = 100_000;
const corpus = (): string =>
  Array.from({ length: many }, (_, i) =>
    JSON.stringify({
      _id: `d${i}`,
      title: i % 3 === 0 ? `Town ${i}` : "",
      text: `Passage ${i} tells of the harbour of town ${i} and of the ${words[i % 8]} there. ${"It lies between the sea and the hills, and nobody hurries. ".repeat(3)}`,
    }),
  ).join("\n");

test("100,000 documents are scrolled and searched without a long task", async () => {
  const { page } = open;
  // A canary: the observer sees what blocks.
  const block = (): Promise<void> =>
    page.evaluate(
      () =>
        new Promise<void>((done) => {
          setTimeout(() => {
            const start = performance.now();
            while (performance.now() - start < 120);
            done();
          });
        }),
    );
  expect(Math.max(...(await longTasks(page, block)))).toBeGreaterThan(100);
  const text = corpus();
  const importing = await longTasks(page, async () => {
    await choose(page, "corpus.jsonl", text);
    await button(page, "Use this collection").click({ timeout: 120_000 });
    await page.getByRole("radio", { name: /corpus/u }).waitFor({ timeout: 120_000 });
  });
  const opening = await longTasks(page, async () => {
    await view(page, "Documents");
    await page.getByText("100,000 documents").waitFor({ timeout: 60_000 });
  });
  const list = page.getByRole("list", { name: "documents" });
  const first = list.getByRole("button").first();
  expect(await list.locator("li").count()).toBeLessThan(60);
  const scrolling = await longTasks(page, async () => {
    for (const share of [0.01, 0.2, 0.21, 0.5, 0.9, 1]) {
      await page.evaluate((share) => scrollTo(0, share * document.documentElement.scrollHeight), share);
      await page.waitForTimeout(120);
    }
    await list.getByRole("button", { name: /d99999/u }).waitFor();
    for (let i = 0; i < 15; i++) await page.mouse.wheel(0, -700);
  });
  await page.evaluate(() => scrollTo(0, 0));
  let seconds = 0;
  const searching = await longTasks(page, async () => {
    const start = performance.now();
    await page.getByRole("searchbox").fill('"town 77777" rope');
    await page.getByText(/^0 of 100,000|^1 of 100,000/u).waitFor({ timeout: 30_000 });
    seconds = (performance.now() - start) / 1000;
    await page.getByRole("searchbox").fill("gulls");
    await page.getByText("12,500 of 100,000 documents").waitFor({ timeout: 30_000 });
  });
  const openingRow = await longTasks(page, async () => {
    await first.click();
    await list.locator("li.open").waitFor();
  });
  await inspect(page, "searched");
  console.log("long tasks (ms)", { importing, opening, scrolling, searching, openingRow, seconds });
  expect([...scrolling, ...openingRow].filter((ms) => ms > 200)).toEqual([]);
  // An id, too.
  await page.getByRole("searchbox").fill("d31415");
  await page.getByText("1 of 100,000 documents").waitFor({ timeout: 30_000 });
});

test("the keyboard alone goes through the list, and out of it", async () => {
  const { page } = open;
  await page.getByRole("searchbox").fill("");
  await page.getByText("100,000 documents", { exact: true }).waitFor();
  await page.getByRole("searchbox").focus();
  const row = (): Promise<string | undefined> =>
    page.evaluate(() => document.activeElement?.closest("li")?.getAttribute("aria-posinset") ?? undefined);
  await page.keyboard.press("Tab");
  expect(await row()).toBe("1");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  expect(await row()).toBe("3");
  await page.keyboard.press("End");
  await expect.poll(row).toBe("100000");
  await page.keyboard.press("PageUp");
  await expect.poll(async () => Number(await row())).toBeLessThan(99_999);
  await page.keyboard.press("Enter");
  await page.locator("li.open").waitFor();
  await page.keyboard.press("Home");
  await expect.poll(row).toBe("1");
  await page.keyboard.press("Shift+Tab");
  expect(await page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.type)).toBe("search");
  // One stop, then whatever follows the list.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  expect(await row()).toBeUndefined();
});

test("nothing broke on the way", () => {
  expect(open.problems).toEqual([]);
  expect(open.strangers).toEqual([]);
});
