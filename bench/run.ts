/**
 * Our engine against its peers, in headless Chromium or in Node:
 *   npm run bench -- [OPTIONS]        (bench/options.ts names them)
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { findChromium } from "../test/support/chromium.mjs";
import { serveFolder } from "../test/support/serve.mjs";
import { isUserError } from "../src/base/errors.ts";
import { buildForNode, buildPage } from "./build.ts";
import { BadArguments, readCommandLine, type CommandLine } from "./options.ts";
import type { Report } from "./report.ts";
import { reportText } from "./table.ts";

/** Nothing that reaches out, and a heap that can be asked for. */
const ALWAYS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-precise-memory-info",
  "--js-flags=--expose-gc",
];
/** A WebGPU adapter on any machine. */
const SOFTWARE = ["--enable-unsafe-webgpu", "--enable-unsafe-swiftshader", "--use-webgpu-adapter=swiftshader"];
/** After this a run is given up. */
const MOST_MINUTES = 120;

async function inChromium({ options, flags }: CommandLine): Promise<Report> {
  const executablePath = findChromium();
  if (!executablePath) throw new BadArguments("No Chromium was found. Install it, or set CHROMIUM to its path.");
  const server = await serveFolder(await buildPage());
  const browser = await chromium.launch({ executablePath, args: [...ALWAYS, ...(flags ?? SOFTWARE)] });
  const limit = setTimeout(() => void browser.close(), MOST_MINUTES * 60_000);
  try {
    const page = await browser.newPage();
    page.on("console", (message) => console.error(message.text()));
    await page.goto(server.url);
    const report = await page.evaluate((options) => globalThis.runBench(options), options);
    return { ...report, host: `Chromium ${browser.version()}` };
  } finally {
    clearTimeout(limit);
    await browser.close();
    server.close();
  }
}

async function inNode(given: readonly string[]): Promise<number> {
  const file = await buildForNode();
  const { status } = spawnSync(process.execPath, [file, ...given], {
    stdio: "inherit",
    timeout: MOST_MINUTES * 60_000,
  });
  return status ?? 1;
}

export async function main(given: readonly string[]): Promise<number> {
  try {
    const line = readCommandLine(given);
    if (line.node) return await inNode(given);
    const report = await inChromium(line);
    console.log(reportText(report));
    if (line.json !== undefined) writeFileSync(line.json, `${JSON.stringify(report, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    if (!isUserError(error)) throw error;
    console.error(error.message);
    return 2;
  }
}
