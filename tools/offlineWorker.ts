/** Builds the service worker when the page is built: it holds the list of the built files with their digests. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build, type Plugin } from "vite";
import { type Build, type PageFile, versionName, workerFile } from "../src/offline/contract.ts";

/**
 * What lies in assets/ and is larger is an inference library or its program (WebLLM, transformers.js, the ONNX runtime):
 * nothing built in needs one, so they are kept when first used.
 */
const LATE_FROM = 400_000;

/** Whoever runs the page may change it after it was built; it is asked for when something is sent to the hub. */
const SETTINGS = "hub.json";

const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function fileAt(folder: string, file: string): PageFile {
  const bytes = readFileSync(path.join(folder, file));
  const late = file.startsWith("assets/") && bytes.length > LATE_FROM;
  return { path: file, sha256: sha256(bytes), bytes: bytes.length, late };
}

function filesOf(folder: string): PageFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => statSync(path.join(folder, file)).isFile())
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => file !== workerFile && file !== SETTINGS && !file.endsWith(".map"))
    .sort()
    .map((file) => fileAt(folder, file));
}

/** Writes the version into index.html and gives the files as they lie there then. */
function stampBuild(folder: string): Build {
  const version = sha256(
    filesOf(folder)
      .map((file) => `${file.path} ${file.sha256}\n`)
      .join(""),
  ).slice(0, 16);
  const index = path.join(folder, "index.html");
  const html = readFileSync(index, "utf8");
  const meta = `<meta name="${versionName}" content="${version}" />`;
  writeFileSync(index, html.replace(/(<\/title>)(\s*<meta name="decoy-version"[^>]*>)?/u, `$1\n    ${meta}`));
  return { version, files: filesOf(folder) };
}

/** One classic script beside index.html: its folder is its scope, so one build works in any folder. */
export async function buildOfflineWorker(root: string, folder: string): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: "warn",
    publicDir: false,
    define: { DECOY_BUILD: JSON.stringify(stampBuild(folder)) },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: "es2023",
      lib: {
        entry: path.join(root, "workers/offline.ts"),
        formats: ["iife"],
        name: "offline",
        fileName: () => workerFile,
      },
    },
  });
}

/** In the built page only: while developing, nothing may be kept. */
export function offlineWorker(): Plugin {
  let [root, folder] = ["", ""];
  return {
    name: "offline-worker",
    apply: "build",
    configResolved(config) {
      root = config.root;
      folder = path.resolve(config.root, config.build.outDir);
    },
    closeBundle: { order: "post", sequential: true, handler: () => buildOfflineWorker(root, folder) },
  };
}
