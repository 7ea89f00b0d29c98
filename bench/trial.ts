/** A cell of the benchmark: one shape and one kind of batch; and an engine's first steps in it. */
import type { StepOutcome } from "../src/domain/engine.ts";
import type { BenchEngine, Job, Task } from "./engines/engine.ts";
import type { BatchKind } from "./work.ts";

export interface Cell {
  readonly shape: string;
  readonly batch: BatchKind;
  readonly task: Omit<Task, "groups">;
  readonly turns: number;
  readonly calls: number;
  readonly budget: number;
  /** Numbers of padded groups to choose from. */
  readonly groups: readonly number[];
  readonly adapter: string;
}

/** An engine's job after two steps and one encoding of the first batch, from fresh weights. */
export interface Trial {
  readonly engine: BenchEngine;
  readonly job: Job;
  readonly outcomes: readonly [StepOutcome, StepOutcome];
  readonly embedding: Float32Array;
  /** Of the second step; the first compiles. */
  readonly seconds: number;
}

/** Errors: whatever the engine throws. */
export async function trialOf(engine: BenchEngine, task: Task): Promise<Trial> {
  const job = await engine.open(task);
  try {
    const first = await job.step(0);
    const start = performance.now();
    const second = await job.step(0);
    const seconds = (performance.now() - start) / 1000;
    return { engine, job, outcomes: [first, second], embedding: await job.encode(0), seconds };
  } catch (error) {
    await job.dispose();
    throw error;
  }
}
