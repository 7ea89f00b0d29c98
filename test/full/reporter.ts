/** What the matrix prints: a line for each test, and at the end for each group how near the engines came to what they may be off, and what was left out. */
import type { Reporter, TestCase } from "vitest/node";
import { measures, type Distance, type Measure } from "./compare.ts";

interface Group {
  tests: number;
  milliseconds: number;
  readonly worst: Map<Measure, Distance & { readonly test: string }>;
}

const share = ({ off, limit }: Distance): number => off / limit;

/** "1.2e-6 (31 % of 4.0e-6)" */
const words = (distance: Distance): string =>
  `${distance.off.toExponential(1)} (${(100 * share(distance)).toFixed(0)} % of ${distance.limit.toExponential(1)})`;

export class MatrixReporter implements Reporter {
  readonly #groups = new Map<string, Group>();
  readonly #skipped = new Map<string, string[]>();

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === "skipped") {
      const { note } = result;
      if (note !== undefined) this.#skipped.set(note, [...(this.#skipped.get(note) ?? []), test.fullName]);
      return;
    }
    const milliseconds = test.diagnostic()?.duration ?? 0;
    console.log(`${result.state} ${(milliseconds / 1000).toFixed(1).padStart(6)} s  ${test.fullName}`);
    this.#note(test, milliseconds);
  }

  #note(test: TestCase, milliseconds: number): void {
    const { group, distances = [] } = test.meta();
    if (group === undefined) return;
    const known = this.#groups.get(group) ?? { tests: 0, milliseconds: 0, worst: new Map() };
    this.#groups.set(group, known);
    known.tests++;
    known.milliseconds += milliseconds;
    for (const distance of distances) {
      const before = known.worst.get(distance.measure);
      if (!before || share(distance) > share(before))
        known.worst.set(distance.measure, { ...distance, test: test.fullName });
    }
  }

  onTestRunEnd(): void {
    for (const [name, { tests, milliseconds, worst }] of this.#groups) {
      console.log(
        `\n${name}: ${tests} tests, ${(milliseconds / 1000).toFixed(0)} s; farthest from the truth or each other:`,
      );
      for (const measure of measures) {
        const distance = worst.get(measure);
        if (distance) console.log(`  ${measure.padEnd(9)} ${words(distance)}  ${distance.test}, ${distance.where}`);
      }
    }
    for (const [reason, tests] of this.#skipped) console.log(`\n${reason}\n  ${tests.join("\n  ")}`);
  }
}
