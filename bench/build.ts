/** Builds the benchmark: as one file for Node that needs nothing beside it but the package `webgpu`, or as a page. */
import path from "node:path";
import { build, type InlineConfig } from "vite";

const OUT = path.join("out", "bench");

const common = { configFile: false, logLevel: "warn", publicDir: false } as const satisfies InlineConfig;

/** Returns the file's path. */
export async function buildForNode(): Promise<string> {
  const outDir = path.join(OUT, "node");
  await build({
    ...common,
    resolve: { mainFields: ["module", "main"] },
    ssr: { noExternal: true, external: ["webgpu"], target: "node" },
    build: {
      ssr: "bench/node.ts",
      outDir,
      emptyOutDir: true,
      target: "node20",
      rolldownOptions: { output: { entryFileNames: "bench.mjs", codeSplitting: false } },
    },
  });
  return path.join(outDir, "bench.mjs");
}

/** Returns the folder. */
export async function buildPage(): Promise<string> {
  const outDir = path.resolve(OUT, "page");
  await build({ ...common, root: "bench", base: "./", build: { outDir, emptyOutDir: true, target: "es2023" } });
  return outDir;
}
