import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

// A guard that nobody has seen fail may be misconfigured and silent. Here every lint rule that the design leans on is
// fed a violation, in a folder of its own, with the real configuration.
const root = mkdtempSync(path.join(os.tmpdir(), "decoy-lint-"));
afterAll(() => rmSync(root, { recursive: true }));

function lint(files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content);
  }
  const args = ["-c", path.resolve("oxlint.config.mjs"), "--type-aware", "-f", "unix", "."];
  const { stdout } = spawnSync(path.resolve("node_modules/.bin/oxlint"), args, { cwd: root, encoding: "utf8" });
  rmSync(path.join(root, "src"), { recursive: true });
  return stdout;
}

const target = (layer: string) => ({ [`src/${layer}/target.ts`]: "export const one = 1;\n" });

test.each([
  ["base", "domain"],
  ["gpu", "domain"],
  ["data", "retrieval"],
  ["ui", "storage"],
  ["pipeline", "train"],
  ["encoder", "train"],
  ["hub", "encoder"],
])("%s may not import %s", (layer, other) => {
  const bad = {
    [`src/${layer}/deep/bad.ts`]: `import { one } from "../../${other}/target.ts";\nexport const two = one + 1;\n`,
  };
  expect(lint({ ...target(other), ...bad })).toContain("no-restricted-imports");
});

test("what a layer may import passes", () => {
  const good = { "src/domain/good.ts": 'import { one } from "../base/target.ts";\nexport const two = one + 1;\n' };
  expect(lint({ ...target("base"), ...good })).not.toContain("src/domain/good.ts");
});

test.each([
  [
    "a worker imported by the page",
    'import { one } from "../../workers/encoder.ts";\nexport const two = one;\n',
    "no-restricted-imports",
  ],
  ["a floating promise", "export async function later(): Promise<void> {}\nlater();\n", "no-floating-promises"],
  ["any", "export const anything: any = 1;\n", "no-explicit-any"],
  [
    "a non-null assertion",
    "export const first = (xs: readonly number[]): number => xs[0]!;\n",
    "no-non-null-assertion",
  ],
  ["five parameters", "export const f = (a: 1, b: 1, c: 1, d: 1, e: 1): number => a + b + c + d + e;\n", "max-params"],
  ["a cast", "export const f = (x: unknown): string => x as string;\n", "no-unsafe-type-assertion"],
  ["a default export", "export default 1;\n", "no-default-export"],
])("refuses %s", (_, content, rule) => {
  const tsconfig = JSON.stringify({ compilerOptions: { strict: true, target: "ES2024", module: "ESNext" } });
  expect(lint({ "tsconfig.json": tsconfig, "src/domain/bad.ts": content })).toContain(rule);
});
