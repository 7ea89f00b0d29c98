/**
 * Choosing, on the device at hand, among kernels that give the same result: each is timed on the sizes that matter, and the
 * fastest is remembered. Which one that is no table can say: GPUs differ in caches, registers and workgroup memory.
 */
import { present } from "../base/assert.ts";
import type { Gpu } from "./device.ts";
import type { Dispatch, Pass, Pipelines } from "./pass.ts";

/** Where choices are kept from one visit to the next; whoever owns storage fills it and saves it. A Map will do. */
export interface Choices {
  get(key: string): string | undefined;
  set(key: string, choice: string): unknown;
}

export interface Contest {
  /** "forward 256→768" */
  readonly name: string;
  /** "forward". Contests of a kind have the same contestants, and who is hopeless in one is left out of the next. */
  readonly kind: string;
  /** The default first. */
  readonly contestants: readonly string[];
}

export interface Timer {
  /** Gets a contestant ready (compiles it, checks it); false leaves it out. */
  prepare(contest: Contest, contestant: string): Promise<boolean>;
  /** Milliseconds that it takes to run a contestant `times` over. */
  run(contest: Contest, contestant: string, times: number): Promise<number>;
  /** Milliseconds since some moment. */
  now(): number;
}

export interface Tuning {
  readonly contests: readonly Contest[];
  readonly choices: Choices;
  /** What else a choice depends on: the device's description, the kernels' version. */
  readonly key: string;
  readonly timer: Timer;
  /** Milliseconds after which no other contest begins; 1500 if left out. */
  readonly budget?: number | undefined;
}

const BUDGET = 1500;
/** Runs of each contestant that is not hopeless, beyond its first. */
const ROUNDS = 4;
/** Milliseconds of work between a start and an end: a round trip to the GPU takes part of one. */
const ENOUGH = 3;
const MOST_TIMES = 32;
/** How much slower than the best one is hopeless after one run. */
const HOPELESS = 1.6;
/** How much faster than the default one has to be: differences below are noise, and the default is known to work. */
const BETTER = 0.95;

/** The contestant that won each contest, by its name. */
export type Winners = ReadonlyMap<string, string>;

const defaultOf = ({ name, contestants }: Contest): string => present(contestants[0], `a default of ${name}`);

export const choiceKey = (key: string, { name }: Contest): string => `${key} | ${name}`;

/** The fastest time of each contestant, those left out that could not run. */
async function timesOf(contest: Contest, contestants: readonly string[], timer: Timer): Promise<Map<string, number>> {
  const ready: string[] = [];
  const prepared = await Promise.all(contestants.map((contestant) => timer.prepare(contest, contestant)));
  contestants.forEach((contestant, i) => prepared[i] && ready.push(contestant));
  const times = new Map<string, number>();
  let repeats = 1;
  for (const contestant of ready) {
    if (times.size === 0) {
      // The very first run of a size pays for caches and clocks that the others find warm.
      await timer.run(contest, contestant, 1);
      const once = await timer.run(contest, contestant, 1);
      repeats = Math.min(MOST_TIMES, Math.max(1, Math.ceil(ENOUGH / Math.max(once, 0.01))));
    }
    times.set(contestant, (await timer.run(contest, contestant, repeats)) / repeats);
  }
  const best = Math.min(...times.values());
  for (let round = 0; round < ROUNDS; round++) {
    // In turns: what disturbs one disturbs all.
    for (const [contestant, time] of times) {
      if (time > HOPELESS * best) continue;
      times.set(contestant, Math.min(time, (await timer.run(contest, contestant, repeats)) / repeats));
    }
  }
  return times;
}

function winnerOf(contest: Contest, times: ReadonlyMap<string, number>): string {
  const standard = defaultOf(contest);
  const least = (times.get(standard) ?? Infinity) * BETTER;
  let winner = { contestant: standard, time: least };
  for (const [contestant, time] of times) if (time < winner.time) winner = { contestant, time };
  return winner.contestant;
}

interface Outcome {
  readonly winner: string;
  /** Those that were not hopeless, the default among them. */
  readonly hopeful: readonly string[];
}

async function hold(contest: Contest, before: Outcome | undefined, timer: Timer): Promise<Outcome> {
  const times = await timesOf(contest, before?.hopeful ?? contest.contestants, timer);
  const best = Math.min(...times.values());
  const hopeful = contest.contestants.filter(
    (contestant, i) => i === 0 || (times.get(contestant) ?? Infinity) <= HOPELESS * best,
  );
  return { winner: winnerOf(contest, times), hopeful };
}

/**
 * The winner of each contest by its name: one chosen before, or the fastest. When time is out, the winner of the last contest
 * of the same kind stands for the rest, and is not remembered.
 */
export async function tune({ contests, choices, key, timer, budget = BUDGET }: Tuning): Promise<Winners> {
  const winners = new Map<string, string>();
  const outcomes = new Map<string, Outcome>();
  const start = timer.now();
  for (const contest of contests) {
    const known = choices.get(choiceKey(key, contest));
    const before = outcomes.get(contest.kind);
    if (known !== undefined && contest.contestants.includes(known)) {
      winners.set(contest.name, known);
    } else if (timer.now() - start > budget) {
      winners.set(contest.name, before?.winner ?? defaultOf(contest));
    } else {
      const outcome = await hold(contest, before, timer);
      outcomes.set(contest.kind, outcome);
      winners.set(contest.name, outcome.winner);
      choices.set(choiceKey(key, contest), outcome.winner);
    }
  }
  return winners;
}

/** Dispatches and the sizes to run them with. */
export interface Work<Counts> {
  readonly dispatches: readonly Dispatch<Counts>[];
  readonly counts: Counts;
}

export interface Timed<Counts> {
  readonly gpu: Gpu;
  readonly pipelines: Pipelines;
  /** What a run of a contestant does. */
  readonly work: (contest: Contest, contestant: string) => readonly Work<Counts>[];
  /** Whether a contestant that compiles does what it should; only asked of those. */
  readonly agrees: (contest: Contest, contestant: string) => Promise<boolean>;
}

/** A timer by the clock on the wall, around the device's word that all submitted work is done. */
export function wallTimer<Counts>({ gpu, pipelines, work, agrees }: Timed<Counts>): Timer {
  const ready = new Map<string, readonly { readonly pass: Pass<Counts>; readonly counts: Counts }[]>();
  const keyOf = ({ name }: Contest, contestant: string): string => `${name} | ${contestant}`;
  const realise = async (contest: Contest, contestant: string) => {
    const parts = work(contest, contestant).map(async ({ dispatches, counts }) =>
      (await pipelines.realise(dispatches)).map((pass) => ({ pass, counts })),
    );
    ready.set(keyOf(contest, contestant), (await Promise.all(parts)).flat());
  };
  return {
    async prepare(contest, contestant) {
      try {
        await realise(contest, contestant);
      } catch {
        // A kernel that this driver does not take; a lost device is told here.
        gpu.check();
        return false;
      }
      return agrees(contest, contestant);
    },
    async run(contest, contestant, times) {
      const passes = present(ready.get(keyOf(contest, contestant)), contestant);
      const encoder = gpu.device.createCommandEncoder({ label: `tuning ${contest.name}` });
      const pass = encoder.beginComputePass({ label: contestant });
      for (let i = 0; i < times; i++) {
        for (const { pass: one, counts } of passes) {
          const [x, y = 1, z = 1] = one.workgroups(counts);
          pass.setPipeline(one.pipeline);
          pass.setBindGroup(0, one.bindGroup);
          pass.dispatchWorkgroups(x, y, z);
        }
      }
      pass.end();
      const commands = encoder.finish();
      const start = performance.now();
      gpu.device.queue.submit([commands]);
      await gpu.settle(gpu.device.queue.onSubmittedWorkDone());
      return performance.now() - start;
    },
    now: () => performance.now(),
  };
}
