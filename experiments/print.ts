/** Numbers as the tables of the field are printed. */
import type { Comparison, Interval } from "../src/domain/ranking.ts";

export const NOTHING = "–";

/** ".318", "−.010", "1.000". */
export const figure = (value: number): string =>
  value
    .toFixed(3)
    .replace("-", "−")
    .replace(/^(−?)0\./u, "$1.");
const signed = (value: number): string => (value >= 0 ? "+" : "") + figure(value);
export const probability = (p: number): string => (p < 0.001 ? "< .001" : figure(p));

export const orNothing = (value: number | null, print: (value: number) => string): string =>
  value === null ? NOTHING : print(value);

export const meanCell = (mean: Interval | null | undefined): string =>
  mean ? `${figure(mean.value)} (${figure(mean.low)}–${figure(mean.high)})` : NOTHING;

export const differenceCell = ({ difference }: Comparison): string =>
  `${signed(difference.value)} (${signed(difference.low)} to ${signed(difference.high)})`;

export const tableLine = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
export const tableHead = (texts: readonly string[]): string[] => [tableLine(texts), tableLine(texts.map(() => "---"))];
