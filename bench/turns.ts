/** Timing engines in turns, so that what else happens on the machine falls on all alike. */
import { present } from "../src/base/assert.ts";
import type { Host } from "./host.ts";

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
};

export interface Contestant {
  readonly name: string;
  /** Does batch i of the set. */
  readonly call: (batch: number) => Promise<unknown>;
}

export interface Plan {
  readonly turns: number;
  /** Calls in a turn, all begun before the first is awaited, as a training loop that does not wait for its loss would. */
  readonly calls: number;
  /** Batches in the set; all contestants of a round do the same ones. */
  readonly batches: number;
}

async function turn(call: Contestant["call"], { calls, batches }: Plan, first: number): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: calls }, (_, i) => call((first + i) % batches)));
  return (performance.now() - start) / 1000 / calls;
}

/** Seconds a call, a number for each turn, by contestant. Each round begins with another one. */
export async function inTurns(contestants: readonly Contestant[], plan: Plan): Promise<ReadonlyMap<string, number[]>> {
  const times = new Map(contestants.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round < plan.turns; round++) {
    for (let i = 0; i < contestants.length; i++) {
      const { name, call } = present(contestants[(round + i) % contestants.length], "a contestant");
      times.get(name)?.push(await turn(call, plan, round * plan.calls));
    }
  }
  return times;
}

export interface Alone {
  readonly scripting: number;
  readonly wall: number;
}

/**
 * One call from rest. `scripting` ends when the engine first lets go of its thread: until then it has done all that it
 * does in JavaScript, and the GPU may have begun.
 */
export async function alone(call: () => Promise<unknown>, host: Host): Promise<Alone> {
  const start = performance.now();
  const result = call();
  await host.nextTask();
  const scripting = performance.now() - start;
  await result;
  return { scripting: scripting / 1000, wall: (performance.now() - start) / 1000 };
}
