/** The built page in a real Chromium: served from a sub-folder of a plain file host, with a profile on disk. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { build } from "vite";
import { findChromium } from "../support/chromium.mjs";
import { serveFolder } from "../support/serve.mjs";

/** A WebGPU adapter on any machine (SwiftShader), and nothing that reaches out. */
const FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--enable-unsafe-swiftshader",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WITHOUT_WEBGPU = FLAGS.filter((flag) => !/webgpu|swiftshader/u.test(flag));

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly url: string;
  /** What the page said on its console as errors, and what it threw. */
  readonly problems: string[];
  /** Requests to anywhere but the page's own host. */
  readonly strangers: string[];
  close(): Promise<void>;
}

function watch(page: Page, url: string, problems: string[], strangers: string[]): void {
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(url) && !/^(blob|data):/u.test(to)) strangers.push(to);
  });
}

export interface PageOptions {
  /** False for a browser without a WebGPU adapter. */
  readonly webgpu?: boolean;
  /** What is served; the built page unless told. */
  readonly folder?: string;
  /** Bytes that the page may store. Set before the first write: Chromium remembers for a while how much room it found. */
  readonly quota?: number;
}

/** Builds the page if it is not built, serves it under /sub/folder/ and opens it in a new profile. */
export async function openPage(options: PageOptions = {}): Promise<OpenPage> {
  if (!existsSync("dist/index.html")) await build({ logLevel: "warn" });
  const server = await serveFolder(options.folder ?? "dist", "/sub/folder/");
  const profile = mkdtempSync(path.join(os.tmpdir(), "decoy-e2e-"));
  const executablePath = findChromium();
  if (!executablePath) throw new Error("No Chromium was found. Install it, or set CHROMIUM to its path.");
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: options.webgpu === false ? WITHOUT_WEBGPU : FLAGS,
    acceptDownloads: true,
    viewport: { width: 1280, height: 800 },
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const [problems, strangers]: [string[], string[]] = [[], []];
  watch(page, server.url, problems, strangers);
  if (options.quota !== undefined) {
    const session = await context.newCDPSession(page);
    const { origin } = new URL(server.url);
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: options.quota });
  }
  await page.goto(server.url);
  return {
    page,
    context,
    url: server.url,
    problems,
    strangers,
    close: async () => {
      await context.close();
      server.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Screenshots lie under out/screenshots, for a person to look at after a run. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join("out", "screenshots", `${name}.png`), fullPage: true });
}

/** Goes to a place, and waits until it stands there: the address changes first, the view a moment later. */
export async function place(page: Page, name: "Data" | "Decoys" | "Train" | "Results" | "Try it"): Promise<void> {
  await page.getByRole("navigation", { name: "Places" }).getByRole("link", { name }).click();
  await page.getByRole("main").getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

/** Fills fields of the recipe, which stands under Train. */
export async function recipe(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  await place(page, "Train");
  const more = page.locator("details.more-fields");
  if (!(await more.evaluate((details) => details.hasAttribute("open")))) await more.locator("summary").click();
  for (const [label, value] of Object.entries(fields)) {
    const field = page.getByLabel(label, { exact: true });
    const select = await field.evaluate((element) => element.tagName === "SELECT");
    await (select ? field.selectOption({ label: value }) : field.fill(value));
  }
}
