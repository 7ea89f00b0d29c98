/** Engines that agree, timed in turns on the same batches. */
import type { Cell, Trial } from "./trial.ts";
import type { Host } from "./host.ts";
import type { Row } from "./report.ts";
import { alone, inTurns, median } from "./turns.ts";
import { forwardOperations, type Batch } from "./work.ts";

export interface Timed {
  readonly engine: string;
  readonly what: Row["what"];
  /** Of each turn. */
  readonly times: readonly number[];
  readonly row: Row;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

type Call = (trial: Trial) => (batch: number) => Promise<unknown>;

const calls = {
  step: ({ job }) => job.step,
  encode: ({ job }) => job.encode,
} as const satisfies Record<Row["what"], Call>;

/** Operations in a call, as multiples of a forward pass. */
const passes = { step: 3, encode: 1 } as const satisfies Record<Row["what"], number>;

/** What cannot be seen while others have their turns. */
async function onItsOwn(trial: Trial, what: Row["what"], host: Host) {
  const { watch } = trial.engine;
  watch.forget();
  const { scripting, wall } = await alone(() => calls[what](trial)(0), host);
  const { peakBytes, submits } = watch.read();
  const ownPeakBytes = trial.engine.peakBytes?.();
  return { scripting, alone: wall, peakBytes, submits, ...(ownPeakBytes === undefined ? {} : { ownPeakBytes }) };
}

async function timedCalls(cell: Cell, trials: readonly Trial[], what: Row["what"], host: Host): Promise<Timed[]> {
  const { batches, shape } = cell.task;
  const plan = { turns: cell.turns, calls: cell.calls, batches: batches.length };
  const contestants = trials.map((trial) => ({ name: trial.engine.name, call: calls[what](trial) }));
  // Each batch once: plans, programs and layouts are made when a batch is first seen.
  for (const { call } of contestants) for (let i = 0; i < batches.length; i++) await call(i);
  const times = await inTurns(contestants, plan);
  const seen: readonly Batch[] = batches.slice(0, plan.turns * plan.calls);
  const results: Timed[] = [];
  for (const trial of trials) {
    const { name } = trial.engine;
    const own = times.get(name) ?? [];
    const seconds = median(own);
    const operations = passes[what] * mean(seen.map((batch) => forwardOperations(shape, batch)));
    const row: Row = {
      engine: name,
      shape: cell.shape,
      batch: cell.batch,
      what,
      seconds,
      tokens: mean(seen.map(({ tokens }) => tokens)),
      texts: mean(seen.map(({ texts }) => texts.length)),
      adapter: cell.adapter,
      turns: own.length,
      layout: trial.job.layout,
      flopsPerSecond: operations / seconds,
      ...(await onItsOwn(trial, what, host)),
    };
    results.push({ engine: name, what, times: own, row });
  }
  return results;
}

export async function timed(cell: Cell, trials: readonly Trial[], host: Host): Promise<Timed[]> {
  return [...(await timedCalls(cell, trials, "step", host)), ...(await timedCalls(cell, trials, "encode", host))];
}
