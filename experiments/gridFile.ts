/** What a grid runs: its file and its options, checked whole before the first run. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { isUserError, messageOf, UserError } from "../src/base/errors.ts";
import { parseConfig, type Config } from "../src/domain/config.ts";
import type { EngineKind } from "../src/domain/encoder.ts";

/** A grid file with a key, a name or a recipe that does not fit. */
export class InvalidGrid extends UserError {
  override readonly name = "InvalidGrid";
}

const USAGE = `usage: npm run experiment -- --grid FILE --out DIR [--seeds N] [--steps N]
                             [--data DIR|built-in] [--encoder DIR|NAME] [--guide DIR|NAME] [--engine cpu|webgpu]`;

/** Arms become folders: nothing that a file system reads in its own way, and no column separator of the table. */
const armName = v.pipe(
  v.string(),
  v.maxLength(80),
  v.regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} .,+%=()-]*[\p{L}\p{N})%])?$/u,
    "a name of letters, digits, spaces and . , + % = ( ) -",
  ),
);
const recipe = v.record(v.string(), v.unknown());
const text = v.pipe(v.string(), v.minLength(1));
const seedCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000));

const schema = v.strictObject({
  data: v.optional(text),
  encoder: v.optional(text),
  /** The encoder that finds dense and SimANS negatives and scores for the gate; where silent, the starting one. */
  guide: v.optional(text),
  /** Runs an arm, with the seeds 1 to this. */
  seeds: v.optional(seedCount, 3),
  /** The recipe that all arms share; an arm's own keys replace whole keys of it. */
  base: v.optional(recipe, {}),
  /** The arm that the others are compared with. */
  reference: v.optional(v.string()),
  arms: v.pipe(
    v.record(armName, recipe),
    v.check((arms) => Object.keys(arms).length > 0, "at least one arm"),
  ),
});

export interface GridPlan {
  readonly data: string | undefined;
  readonly encoder: string | undefined;
  readonly guide: string | undefined;
  readonly out: string;
  readonly engine: EngineKind;
  readonly seeds: readonly number[];
  readonly reference: string | undefined;
  /** Each arm's recipe with every default filled in, by seed. */
  readonly arms: readonly { readonly name: string; readonly configOf: (seed: number) => Config }[];
}

/** Whether these are arguments of a grid and not of a single experiment. */
export const asksForGrid = (args: readonly string[]): boolean => args.some((arg) => /^--grid(?:=|$)/u.test(arg));

function whole(value: string | undefined, option: string, least: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/u.test(value) && Number(value) >= least) return Number(value);
  throw new InvalidGrid(`--${option} is "${value}"; it is a whole number from ${least} on.`);
}

function optionsOf(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = {
    grid: text,
    out: text,
    data: text,
    encoder: text,
    guide: text,
    engine: text,
    seeds: text,
    steps: text,
  };
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new InvalidGrid(`${messageOf(error)}\n${USAGE}`);
  }
}

function readFile(file: string): v.InferOutput<typeof schema> {
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new InvalidGrid(`${file} could not be read as JSON: ${messageOf(error)}`);
  }
  const result = v.safeParse(schema, Array.isArray(given) ? undefined : given);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => {
    const at = v.getDotPath(issue) ?? "the file";
    return issue.expected === "never" ? `${at}: there is no such key` : `${at}: ${issue.message}`;
  });
  throw new InvalidGrid(`${file} is not a valid grid. ${problems.join(". ")}.`);
}

interface ArmInput {
  readonly name: string;
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly steps: number | undefined;
}

function armOf({ name, recipe, steps }: ArmInput): GridPlan["arms"][number] {
  if ("seed" in recipe)
    throw new InvalidGrid(`The arm "${name}" has a seed; a grid gives every arm the same ones. Leave it out.`);
  try {
    const config = parseConfig({ ...recipe, ...(steps !== undefined && { steps }) });
    return { name, configOf: (seed) => ({ ...config, seed }) };
  } catch (error) {
    if (!isUserError(error)) throw error;
    throw new InvalidGrid(`The arm "${name}": ${error.message}`);
  }
}

/** What only all arms together can get wrong. */
function checkTogether(arms: GridPlan["arms"], reference: string | undefined): void {
  const names = arms.map(({ name }) => name);
  if (reference !== undefined && !names.includes(reference)) {
    throw new InvalidGrid(`reference: there is no arm "${reference}". The arms are ${names.join(", ")}.`);
  }
  const twice = names.find((name, i) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== i);
  if (twice !== undefined) {
    throw new InvalidGrid(
      `Two arms are called "${twice}" but for capital letters, and some disks cannot tell such folders apart. Rename one.`,
    );
  }
  const splits = [...new Set(arms.map(({ configOf }) => configOf(1).evaluate.split))];
  if (splits.length > 1) {
    throw new InvalidGrid(
      `The arms are measured on the splits ${splits.join(", ")}: they cannot be compared. Give all the same evaluate.split.`,
    );
  }
}

/** The whole plan. Errors: {@link InvalidGrid}, before anything has run. */
export function planOf(args: readonly string[]): GridPlan {
  const options = optionsOf(args);
  const { grid, out, engine = "cpu" } = options;
  if (!grid) throw new InvalidGrid(`--grid is empty: the file that names the arms.\n${USAGE}`);
  if (!out) throw new InvalidGrid(`--out is missing: the folder that the results go to.\n${USAGE}`);
  if (engine !== "cpu" && engine !== "webgpu") throw new InvalidGrid(`--engine is "${engine}"; it is cpu or webgpu.`);
  const file = readFile(grid);
  const steps = whole(options.steps, "steps", 0);
  const seeds = whole(options.seeds, "seeds", 1) ?? file.seeds;
  const arms = Object.entries(file.arms).map(([name, recipe]) =>
    armOf({ name, recipe: { ...file.base, ...recipe }, steps }),
  );
  checkTogether(arms, file.reference);
  return {
    data: options.data ?? file.data,
    encoder: options.encoder ?? file.encoder,
    guide: options.guide ?? file.guide,
    out,
    engine,
    seeds: Array.from({ length: seeds }, (_, i) => i + 1),
    reference: file.reference,
    arms,
  };
}
