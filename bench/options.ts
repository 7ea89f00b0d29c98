/** What a run of the benchmark is asked to do, from a command line. */
import { UserError } from "../src/base/errors.ts";
import { engineNames, usualEngines, type EngineName } from "./engines/engine.ts";
import { batchKinds, shapeNames, type BatchKind } from "./work.ts";

export type Mode = "time" | "leak" | "profile";

export interface Options {
  readonly mode: Mode;
  readonly shapes: readonly string[];
  readonly engines: readonly EngineName[];
  readonly batches: readonly BatchKind[];
  /** Queries in a batch, each with two documents. Those left out depend on whether the adapter is software. */
  readonly queries: number | undefined;
  /** Steps in a turn. */
  readonly steps: number | undefined;
  readonly turns: number | undefined;
  /** Seconds that the turns of an engine may take for a shape and kind of batch. */
  readonly budget: number;
  /** Numbers of padded groups that a peer may choose from: it gets the quickest. */
  readonly groups: readonly number[];
}

export interface CommandLine {
  readonly options: Options;
  /** Where the rows go. */
  readonly json: string | undefined;
  readonly node: boolean;
  /** Flags for Chromium instead of those that choose its software adapter. */
  readonly flags: readonly string[] | undefined;
}

/** A command line that says nothing clear. */
export class BadArguments extends UserError {
  override readonly name = "BadArguments";
}

export const usage = `npm run bench -- [--shapes 2x128,4x256] [--engines ${engineNames.join(",")}] [--batches ${batchKinds.join(",")}]
    [--queries N] [--steps N] [--turns N] [--budget SECONDS] [--groups 1,2,4,6] [--leak | --profile] [--json FILE]
    [--node | --flags "--CHROMIUM-FLAG …"]
Shapes: ${shapeNames.join(", ")}.`;

const withValue = ["shapes", "engines", "batches", "queries", "steps", "turns", "budget", "groups", "json", "flags"];
const alone = ["leak", "profile", "node"];

function valuesOf(given: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i < given.length; i++) {
    const name = given[i]?.replace(/^--/u, "") ?? "";
    if (alone.includes(name)) values.set(name, "");
    else if (withValue.includes(name) && i + 1 < given.length) values.set(name, given[++i] ?? "");
    else throw new BadArguments(`"${given[i]}" is not known or lacks its value.\n${usage}`);
  }
  return values;
}

function among<T extends string>(
  name: string,
  value: string | undefined,
  known: readonly T[],
): readonly T[] | undefined {
  return value?.split(",").map((part) => {
    const found = known.find((one) => one === part);
    if (found === undefined) throw new BadArguments(`--${name} knows no "${part}", only ${known.join(", ")}.`);
    return found;
  });
}

function count(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new BadArguments(`--${name} wants a whole number above 0, not "${value}".`);
  return n;
}

/** Errors: BadArguments. */
export function readCommandLine(given: readonly string[]): CommandLine {
  const values = valuesOf(given);
  const number = (name: string) => count(name, values.get(name));
  const groups = values
    .get("groups")
    ?.split(",")
    .map((part) => count("groups", part) ?? 1);
  return {
    options: {
      mode: values.has("leak") ? "leak" : values.has("profile") ? "profile" : "time",
      shapes: among("shapes", values.get("shapes"), shapeNames) ?? ["2x128", "4x256", "6x384", "12x768"],
      engines: among("engines", values.get("engines"), engineNames) ?? usualEngines,
      batches: among("batches", values.get("batches"), batchKinds) ?? batchKinds,
      queries: number("queries"),
      steps: number("steps"),
      turns: number("turns"),
      budget: number("budget") ?? 120,
      groups: groups ?? [1, 2, 4, 6],
    },
    json: values.get("json"),
    node: values.has("node"),
    flags: values.get("flags")?.split(" ").filter(Boolean),
  };
}
