/** Cases as tests: each engine against PyTorch, and one against the other. */
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import type { Engine } from "../../src/domain/engine.ts";
import { createCpuEngine } from "../../src/encoder/cpu.ts";
import { createWebGpuEngine } from "../../src/train/webgpu.ts";
import { vulkanGpu } from "../support/device.ts";
import { gigaflops, parametersOf, type Case } from "./case.ts";
import { distances, outcomeOf, type Distance, type Outcome } from "./compare.ts";
import { python } from "../support/python.ts";
import { truthOf } from "./torch.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What a test of the matrix compared, and in which group. */
    distances?: readonly Distance[];
    group?: string;
  }
}

/** Whether cases that take long, or much memory, run too. */
const all = process.env["DECOY_FULL"] === "all";
const MOST_SECONDS = 60;
/** GFLOP/s that an engine is good for, at the least, on two cores. */
const speeds = { cpu: 8, software: 2.5 } as const;
const MOST_PARAMETERS = 100e6;

export interface Engines {
  readonly cpu: Engine;
  readonly webgpu: Engine;
}

/** Both engines, for the tests of the file. */
export function bothEngines(): () => Engines {
  let engines: Engines | undefined;
  beforeAll(async () => {
    engines = { cpu: await createCpuEngine(), webgpu: await createWebGpuEngine({ gpu: await vulkanGpu() }) };
  }, 120_000);
  afterAll(() => {
    engines?.cpu.dispose();
    engines?.webgpu.dispose();
  });
  return () => {
    if (!engines) throw new Error("no engines");
    return engines;
  };
}

/** Why a case is not run by default; undefined if it is. */
export function tooMuch(given: Case, engines: Engines, sides: readonly Side[]): string | undefined {
  if (sides.includes("PyTorch") && python() === undefined) return "skipped: no PyTorch";
  if (all) return undefined;
  const parameters = parametersOf(given.shape);
  if (parameters > MOST_PARAMETERS) {
    return `skipped: ${Math.round(parameters / 1e6)} million weights need much memory; DECOY_FULL=all runs it`;
  }
  const software = engines.webgpu.info.device.includes("(software)");
  const speed = sides.includes("webgpu") && software ? speeds.software : speeds.cpu;
  const lengths = given.batch.texts.map((text) => text.length);
  const seconds = gigaflops(given.shape, lengths) / speed;
  if (seconds <= MOST_SECONDS) return undefined;
  return `skipped: about ${Math.round(seconds)} s ${speed === speeds.cpu ? "on the processor" : "on a GPU in software"}; DECOY_FULL=all runs it`;
}

type Side = "cpu" | "webgpu" | "PyTorch";
const pairs: readonly (readonly [Side, Side])[] = [
  ["cpu", "PyTorch"],
  ["webgpu", "PyTorch"],
  ["webgpu", "cpu"],
];

/** Notes what was compared for the reporter, and fails where it is too far apart. */
export function expectClose({ task }: TestContext, group: string, found: readonly Distance[]): void {
  task.meta.group = group;
  task.meta.distances = found;
  expect(found.filter(({ off, limit }) => !(off <= limit))).toEqual([]);
}

/** The truth, once the script has understood the case: what it says of the encoder is read as any folder is. */
async function checkedTruth(given: Case): Promise<Outcome> {
  const truth = await truthOf(given);
  expect(truth.shape).toEqual(given.shape);
  expect(truth.pooling).toBe(given.pooling);
  return truth.expected;
}

/** Three tests a case. */
export function matrix(group: string, cases: readonly Case[]): void {
  describe(group, () => {
    const engines = bothEngines();
    describe.each(cases.map((given) => [given.name, given] as const))("%s", (_, given) => {
      caseTests(group, given, engines);
    });
  });
}

function caseTests(group: string, given: Case, engines: () => Engines): void {
  const make = {
    cpu: () => outcomeOf(engines().cpu, given),
    webgpu: () => outcomeOf(engines().webgpu, given),
    PyTorch: () => checkedTruth(given),
  };
  const made = new Map<Side, Promise<Outcome>>();
  const side = (name: Side): Promise<Outcome> => {
    const outcome = made.get(name) ?? make[name]();
    made.set(name, outcome);
    return outcome;
  };
  // Outcomes of wide encoders are large.
  afterAll(() => made.clear());

  test.for(pairs)("%s as %s", async ([one, other], context) => {
    const reason = tooMuch(given, engines(), [one, other]);
    if (reason !== undefined) context.skip(reason);
    const [truth, actual] = await Promise.all([side(other), side(one)]);
    expectClose(context, group, distances(given, actual, truth, other === "PyTorch" ? 1 : 2));
  });
}
