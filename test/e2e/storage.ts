/** A real Chromium with a profile on disk that can be killed and started again, and a server for the page it opens. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { build } from "vite";

const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--remote-debugging-port=0",
  "--disable-quic",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-breakpad",
];

/** Serves storagePage.ts, bundled, at one origin for as long as the tests run. */
export async function servePage(): Promise<{ readonly origin: string; close(): void }> {
  const code = await bundle(fileURLToPath(new URL("storagePage.ts", import.meta.url)));
  const server: Server = createServer((request, response) => {
    const script = request.url === "/page.js";
    response.setHeader("content-type", script ? "text/javascript" : "text/html");
    response.end(script ? code : `<!doctype html><title>storage</title><script type="module" src="/page.js"></script>`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  if (typeof address !== "object" || !address) throw new Error("the server has no port");
  return { origin: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

async function bundle(entry: string): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, minify: false, lib: { entry, formats: ["es"] } },
  });
  const chunks = [output].flat().flatMap((each) => ("output" in each ? each.output : []));
  const code = chunks.flatMap((chunk) => (chunk.type === "chunk" ? [chunk.code] : []));
  if (code.length !== 1 || !code[0]) throw new Error(`expected one script, got ${code.length}`);
  return code[0];
}

export interface RunningBrowser {
  readonly context: BrowserContext;
  /** A new page with `window.storagePage` ready; `acknowledge` hears what it said to be saved. */
  newPage(origin: string, acknowledge?: (saved: number) => void): Promise<Page>;
  /** SIGKILL to every process of this browser at once: nothing is flushed. */
  kill(): Promise<void>;
}

/** Starts Chromium on `profile`, which may be one that was killed before. */
export async function startBrowser(profile: string): Promise<RunningBrowser> {
  // A process group of its own, so that the kill reaches all of its processes and no other.
  const child = spawn(executable, [...flags, `--user-data-dir=${profile}`, "about:blank"], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const browser: Browser = await chromium.connectOverCDP(await endpoint(child));
  const [context] = browser.contexts();
  if (!context) throw new Error("the browser has no context");
  return {
    context,
    async newPage(origin, acknowledge = () => undefined) {
      const page = await context.newPage();
      await page.exposeFunction("acknowledge", acknowledge);
      await page.goto(origin);
      await page.waitForFunction(() => "storagePage" in window);
      return page;
    },
    async kill() {
      const { pid } = child;
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      process.kill(-pid, "SIGKILL");
      await exited;
      await browser.close().catch(() => undefined);
    },
  };
}

function endpoint(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (data: Buffer) => {
      said += data.toString();
      const url = /DevTools listening on (ws:\S+)/u.exec(said)?.[1];
      if (url) resolve(url);
    });
    child.once("exit", () => reject(new Error(`Chromium did not start: ${said.slice(-500)}`)));
    child.once("error", reject);
  });
}
