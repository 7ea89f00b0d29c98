/** The books of one import: what each file's rows came to, what was rejected and why, how far the reading is. */
import type { RejectedRow } from "../domain/collection.ts";
import type { ImportReport } from "../domain/stages.ts";
import type { Problem } from "./problem.ts";
import { reasonOf } from "./problem.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { count, excerptOf, listOf } from "./wording.ts";

/** Rejected rows beyond these are counted and not shown. */
const mostReported = 10_000;

/** Bytes between two progress reports. */
const stride = 2 ** 20;

/** Rows of one file after which, if none was any good, reading stops: a big file of the wrong kind is refused in a second. */
const patience = 100_000;

interface Tally {
  accepted: number;
  rejected: number;
  /** By what is wrong: how many, and the first reason in full. */
  readonly mistakes: Map<string, { times: number; readonly line: number; readonly reason: string }>;
}

interface RowPlace {
  readonly file: string;
  /** 1-based; 0 where the whole file is meant. */
  readonly line: number;
  readonly text: string;
}

export interface Ledger {
  accept(file: string): void;
  reject(row: RowPlace, why: Problem): void;
  advance(bytes: number): void;
  /** What there is to report since the last time: rejected rows at once, progress when a stride is full. */
  reports(): Generator<ImportReport, void, void>;
  /** The last reports: progress at its end. */
  close(): Generator<ImportReport, void, void>;
  rejected(): number;
  /** Errors: UnreadableCollection when none of these files (one noun's worth) had a row that was accepted. */
  requireRows(files: readonly string[], noun: string): void;
  /** Errors: UnreadableCollection when the first 100,000 rows of a file were all rejected. */
  checkPatience(file: string): void;
}

/** The mistake that most rows of these tallies have. */
function commonest(tallies: readonly Tally[]): { times: number; line: number; reason: string } | undefined {
  const totals = new Map<string, { times: number; line: number; reason: string }>();
  for (const [what, mistake] of tallies.flatMap(({ mistakes }) => [...mistakes])) {
    const total = totals.get(what);
    if (total) total.times += mistake.times;
    else totals.set(what, { ...mistake });
  }
  return [...totals.values()].toSorted((a, b) => b.times - a.times)[0];
}

function refuse(where: string, noun: string, tallies: readonly Tally[]): never {
  const rejected = tallies.reduce((sum, tally) => sum + tally.rejected, 0);
  const worst = commonest(tallies);
  if (!worst) throw new UnreadableCollection(`${where} has no rows: at least one ${noun} is needed.`);
  const all =
    rejected === 1
      ? "its only row was rejected"
      : `all of its ${count(rejected)} rows were rejected, ${count(worst.times)} of them for the same kind of reason`;
  throw new UnreadableCollection(`${where} has no usable ${noun}: ${all}. Line ${count(worst.line)}: ${worst.reason}.`);
}

/** `total`: bytes that will be read. */
export function createLedger(total: number): Ledger {
  const tallies = new Map<string, Tally>();
  let pending: RejectedRow[] = [];
  let rejected = 0;
  let done = 0;
  let reported = 0;

  function tallyOf(file: string): Tally {
    let tally = tallies.get(file);
    if (!tally) tallies.set(file, (tally = { accepted: 0, rejected: 0, mistakes: new Map() }));
    return tally;
  }

  function reject({ file, line, text }: RowPlace, why: Problem): void {
    const tally = tallyOf(file);
    tally.rejected += 1;
    rejected += 1;
    const mistake = tally.mistakes.get(why.what);
    if (mistake) mistake.times += 1;
    else tally.mistakes.set(why.what, { times: 1, line, reason: reasonOf(why) });
    if (rejected <= mostReported) pending.push({ file, line, reason: reasonOf(why), excerpt: excerptOf(text) });
  }

  function progress(): ImportReport {
    reported = done;
    // A file may turn out longer than it was said to be.
    return { kind: "progress", progress: { done, total: Math.max(done, total), unit: "bytes" } };
  }

  function* rows(): Generator<ImportReport, void, void> {
    if (pending.length > 0) yield { kind: "rejected", rows: pending };
    pending = [];
  }

  return {
    accept: (file) => void (tallyOf(file).accepted += 1),
    reject,
    advance: (bytes) => void (done += bytes),
    *reports() {
      yield* rows();
      if (done - reported >= stride) yield progress();
    },
    *close() {
      yield* rows();
      yield progress();
    },
    rejected: () => rejected,
    requireRows(files, noun) {
      const found = files.map(tallyOf);
      if (found.every(({ accepted }) => accepted === 0)) refuse(listOf(files), noun, found);
    },
    checkPatience(file) {
      const tally = tallyOf(file);
      if (tally.accepted === 0 && tally.rejected >= patience) refuse(`The start of ${file}`, "row", [tally]);
    },
  };
}
