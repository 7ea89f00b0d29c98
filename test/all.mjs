// The whole test: formatting, lint, types, dead code, data checks, unit tests, build, size, end-to-end tests in Chromium.
// Each check counts as one test, each test of vitest as itself. The last line is "N passed, N failed".
//   node test/all.mjs [--static | --full]      --static stops before the tests that run code
//   --full runs the matrix of the engines (test/full) and nothing else; what follows it goes to vitest: -t "head sizes"
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromiumOrInstall } from "./support/chromium.mjs";

const scratch = mkdtempSync(path.join(os.tmpdir(), "decoy-test-"));
const full = process.argv.includes("--full");
/** A run that hangs is ended and counts as failed. */
const MOST_MINUTES = full ? (process.env["DECOY_FULL"] === "all" ? 24 * 60 : 120) : 20;
const totals = { passed: 0, failed: 0, skipped: 0 };

function run(name, command, args) {
  console.log(`\n── ${name}`);
  const started = performance.now();
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    env: process.env,
    timeout: MOST_MINUTES * 60_000,
    killSignal: "SIGKILL",
  });
  console.log(
    `── ${name}: ${status === 0 ? "passed" : "FAILED"} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  return status === 0;
}

function check(name, tool, ...args) {
  totals[run(name, process.execPath, [path.join("node_modules", tool), ...args]) ? "passed" : "failed"]++;
}

/** Runs a vitest project and adds up its tests; a run that dies without a report, or runs nothing, is a failure. */
function vitest(name, ...args) {
  const report = path.join(scratch, `${name}.json`);
  const command = ["node_modules/vitest/vitest.mjs", "run", `--outputFile.json=${report}`, ...args];
  const passed = run(name, process.execPath, command);
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
    totals.passed += numPassedTests;
    totals.failed += numFailedTests;
    totals.skipped += numPendingTests;
    if (numPassedTests === 0 || (!passed && numFailedTests === 0)) totals.failed++;
  } catch {
    totals.failed++;
  }
}

const REPORTERS = ["--reporter=default", "--reporter=json"];

function everything() {
  check("formatting", "prettier/bin/prettier.cjs", "--check", "--log-level", "warn", ".");
  check("lint", "oxlint/bin/oxlint", "-c", "oxlint.config.mjs", "--type-aware", "--deny-warnings", ".");
  for (const program of [".", "workers", "test"]) check(`types of ${program}`, "typescript/bin/tsc", "-p", program);
  check("dead code", "knip/bin/knip.js");
  check("the built-in collection", "../tools/collection/check.mjs");
  if (!process.argv.includes("--static")) {
    process.env.CHROMIUM = chromiumOrInstall();
    vitest("unit tests", ...REPORTERS);
    check("judgements of the built-in collection", "../tools/run.mjs", "tools/collection/judged.ts");
    check("build", "vite/bin/vite.js", "build", "--logLevel", "warn");
    check("size of the first load", "size-limit/bin.js");
    vitest("end-to-end tests", "--config", "test/e2e/vitest.config.ts", ...REPORTERS);
  }
}

// The matrix's configuration names its reporters.
if (full) vitest("matrix of the engines", "--config", "test/full/vitest.config.ts", ...process.argv.slice(3));
else everything();
rmSync(scratch, { recursive: true, force: true });
const { passed, failed, skipped } = totals;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
