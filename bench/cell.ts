/** One shape and one kind of batch: engines are tried out, checked against ours, and then timed in turns. */
import { present } from "../src/base/assert.ts";
import { messageOf } from "../src/base/errors.ts";
import { compare } from "./compare.ts";
import type { BenchEngine } from "./engines/engine.ts";
import type { Host } from "./host.ts";
import { grouped, padding } from "./padding.ts";
import type { Check, Outcome, Ratio, Row, Skipped } from "./report.ts";
import { timed, type Timed } from "./timed.ts";
import { median } from "./turns.ts";
import { trialOf, type Cell, type Trial } from "./trial.ts";
import { forwardOperations } from "./work.ts";

export interface Entrant {
  readonly engine: BenchEngine;
  /** Operations a second of its matrix product, or of the best there is: what a step is expected to take follows from it. */
  readonly rate: number;
}

export interface CellResult {
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  readonly checks: readonly Check[];
  readonly outcomes: readonly Outcome[];
  readonly skipped: readonly Skipped[];
}

/** Why an engine takes no part, in words for a person. */
class LeftOut extends Error {
  override readonly name = "LeftOut";
}

/** The layouts that differ on the first batch, with the fewest groups that give them. */
function layouts({ task: { batches }, groups }: Cell): readonly number[] {
  const batch = present(batches[0], "a batch");
  const known = new Map(groups.toSorted((a, b) => b - a).map((count) => [grouped(batch, count).length, count]));
  return [...known.values()].sort((a, b) => a - b);
}

/** The quickest layout's trial. Errors: LeftOut, or what the engine throws. */
async function tryOut({ engine, rate }: Entrant, cell: Cell, host: Host): Promise<Trial> {
  const batch = present(cell.task.batches[0], "a batch");
  const choices = engine.pads ? layouts(cell) : [1];
  const waste = engine.pads ? Math.min(...choices.map((groups) => padding(batch, groups))) : 1;
  const expected = (3 * forwardOperations(cell.task.shape, batch) * waste) / rate;
  if (expected > cell.budget) {
    throw new LeftOut(
      `a step would take about ${Math.round(expected)} s by its matrix product; the budget is ${cell.budget} s`,
    );
  }
  let best: Trial | undefined;
  for (const groups of choices) {
    const trial = await trialOf(engine, { ...cell.task, groups });
    host.say(`  ${engine.name}, ${trial.job.layout}: ${trial.seconds.toFixed(3)} s a step`);
    const worse = best && best.seconds <= trial.seconds ? trial : best;
    await worse?.job.dispose();
    if (worse !== trial) best = trial;
  }
  const chosen = present(best, "a layout");
  if (chosen.seconds > cell.budget) {
    await chosen.job.dispose();
    throw new LeftOut(`a step took ${chosen.seconds.toFixed(0)} s; the budget is ${cell.budget} s`);
  }
  return chosen;
}

/** As many turns as the slowest has the time for, at least one. A turn has steps and encodings. */
function turnsFor({ turns, calls, budget }: Cell, trials: readonly Trial[]): number {
  const slowest = Math.max(...trials.map(({ seconds }) => seconds));
  return Math.max(1, Math.min(turns, Math.floor(budget / (1.4 * calls * slowest))));
}

function ratiosOf({ shape, batch }: Cell, all: readonly Timed[]): Ratio[] {
  const ours = all.filter(({ engine }) => engine === "decoy");
  return ours.flatMap(({ what, times }) =>
    all
      .filter((peer) => peer.engine !== "decoy" && peer.what === what)
      .map((peer) => {
        const quotients = times.map((seconds, i) => seconds / (peer.times[i] ?? NaN)).sort((a, b) => a - b);
        const [least = NaN] = quotients;
        return {
          shape,
          batch,
          what,
          peer: peer.engine,
          median: median(quotients),
          least,
          largest: quotients.at(-1) ?? NaN,
        };
      }),
  );
}

export async function runCell(cell: Cell, entrants: readonly Entrant[], host: Host): Promise<CellResult> {
  const skipped: Skipped[] = [];
  const { shape, batch } = cell;
  const skip = (engine: string, reason: string) => {
    host.say(`  ${engine} skipped: ${reason}`);
    skipped.push({ shape, batch, engine, reason });
  };
  const trials: Trial[] = [];
  for (const entrant of entrants) {
    try {
      trials.push(await tryOut(entrant, cell, host));
    } catch (error) {
      skip(entrant.engine.name, messageOf(error));
    }
  }
  const ours = trials.find(({ engine }) => engine.name === "decoy");
  const peers = trials.filter((trial) => trial !== ours);
  const checks = ours ? peers.map((trial) => compare(ours, trial, cell)) : [];
  for (const { engine } of peers) {
    const check = checks.find((check) => check.engine === engine.name);
    if (!check) skip(engine.name, "our engine takes no part, and nothing else says whether its figures are right");
    else if (!check.agrees) skip(engine.name, "it computes something else than our engine");
  }
  const agreeing = checks.filter(({ agrees }) => agrees).map(({ engine }) => engine);
  const fair = trials.filter((trial) => trial === ours || agreeing.includes(trial.engine.name));
  const results = fair.length > 0 ? await timed({ ...cell, turns: turnsFor(cell, fair) }, fair, host) : [];
  for (const { job } of trials) await job.dispose();
  const outcomes = trials.map(({ engine, outcomes: [first] }) => ({ shape, batch, engine: engine.name, ...first }));
  return { rows: results.map(({ row }) => row), ratios: ratiosOf(cell, results), checks, outcomes, skipped };
}
