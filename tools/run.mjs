// Runs a TypeScript module of this project in Node, `?raw` and lazy imports included:
//   node tools/run.mjs FILE [ARGUMENT …]
// The module exports `main(arguments)`; what it returns is the exit code.
import path from "node:path";
import { createServer } from "vite";

const [file, ...rest] = process.argv.slice(2);
if (!file) {
  console.error("usage: node tools/run.mjs FILE [ARGUMENT …]");
  process.exit(2);
}
const server = await createServer({
  configFile: false,
  logLevel: "error",
  appType: "custom",
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
try {
  const module = await server.ssrLoadModule(path.resolve(file));
  process.exitCode = (await module.main(rest)) ?? 0;
} finally {
  await server.close();
}
// A WebGPU instance would keep the process alive.
process.exit();
