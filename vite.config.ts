import { preact } from "@preact/preset-vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Relative, so that one build works at the root of a host and in any sub-folder of it.
  base: "./",
  plugins: [preact()],
  worker: { format: "es" },
  build: { target: "es2023", assetsInlineLimit: 0 },
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    exclude: ["test/e2e/**", "node_modules/**"],
    environment: "node",
    testTimeout: 60_000,
    // SwiftShader and the CPU engine use every core themselves.
    maxWorkers: 2,
  },
});
