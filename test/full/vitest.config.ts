import { defineConfig } from "vitest/config";
import { MatrixReporter } from "./reporter.ts";

/** The matrix of the engines: `npm run test:full`. DECOY_FULL=all runs what takes longer than a minute, too. */
export default defineConfig({
  test: {
    include: ["test/full/*.test.ts"],
    environment: "node",
    reporters: ["minimal", "json", new MatrixReporter()],
    // A case in software with others beside it; all of them, hours.
    testTimeout: process.env["DECOY_FULL"] === "all" ? 7_200_000 : 900_000,
    maxWorkers: 2,
  },
});
