import { defineConfig } from "vitest/config";

/** Tests in a real Chromium, one after another: SwiftShader and the CPU engine use every core. */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
