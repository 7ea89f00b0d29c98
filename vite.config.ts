import { preact } from "@preact/preset-vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { offlineWorker } from "./tools/offlineWorker.ts";

/**
 * What the built page may run is its own: WebAssembly is the CPU engine's and the language models', blob: are their
 * threads. What it may ask for is wider, because a person chooses it: the files of a language model lie on hosts that
 * pass the request on to others (the Hugging Face Hub and its storage, GitHub for WebLLM's GPU programs), and an endpoint
 * may be any https address or a program on this machine. Nothing is asked for that nobody chose; the end-to-end tests
 * count requests to strangers.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self' blob: https: http://localhost:* http://127.0.0.1:*",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** In the built page only: the development server injects inline scripts. */
const securityPolicy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: { "http-equiv": "Content-Security-Policy", content: CONTENT_SECURITY_POLICY },
      injectTo: "head-prepend",
    },
  ],
};

/** With these the CPU engine may use more than one thread; without them the page works all the same. */
const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export default defineConfig({
  // Relative, so that one build works at the root of a host and in any sub-folder of it.
  base: "./",
  plugins: [preact(), securityPolicy, offlineWorker()],
  worker: { format: "es" },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    // The second is what the hub leads back to after signing in.
    rolldownOptions: { input: ["index.html", "signed-in.html"] },
  },
  server: { headers },
  preview: { headers },
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    exclude: ["test/e2e/**", "test/full/**", "node_modules/**"],
    environment: "node",
    testTimeout: 60_000,
    // SwiftShader and the CPU engine use every core themselves.
    maxWorkers: 2,
  },
});
