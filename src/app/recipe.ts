/** The recipe as a form: text fields as typed, and the {@link Config} they make, or why they make none. */
import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import { messageOf } from "../base/errors.ts";
import { type Config, parseConfig } from "../domain/config.ts";
import type { EngineChoice } from "../domain/encoder.ts";
import type { App } from "./app.ts";
import type { Settings } from "./dependencies.ts";
import { builtIn } from "./shipped.ts";

/** One for each control. Numbers are kept as typed, so that a half-typed one is neither lost nor corrected. */
export const defaultFields = {
  encoder: builtIn as string,
  engine: "auto" as EngineChoice,
  mix: "hybrid" as string,
  syntheticCount: "1",
  bm25Count: "4",
  bm25First: "1",
  bm25Last: "50",
  randomCount: "0",
  temperature: "0.05",
  inBatch: true,
  batchSize: "16",
  epochs: "1",
  steps: "",
  learningRate: "2e-4",
  warmup: "0.1",
  schedule: "linear" as string,
  weightDecay: "0.01",
  clip: "1",
  maxQueryTokens: "64",
  maxDocumentTokens: "256",
  queryPrefix: "",
  documentPrefix: "",
  pooling: "" as string,
  seed: "1",
  shuffle: true,
  split: "auto",
  k: "10, 100",
};
export type RecipeFields = Readonly<typeof defaultFields>;
export type FieldName = keyof RecipeFields;

export interface RecipeState {
  readonly fields: Signal<RecipeFields>;
  readonly config: ReadonlySignal<Config | undefined>;
  /** What is wrong with the fields, in words for a person. */
  readonly problem: ReadonlySignal<string | undefined>;
}

const key = "decoy.recipe";

export function createRecipe(settings: Settings): RecipeState {
  const fields = signal<RecipeFields>(keptFields(settings));
  const parsed = computed(() => parseFields(fields.value));
  return {
    fields,
    config: computed(() => parsed.value.config),
    problem: computed(() => parsed.value.problem),
  };
}

/** Every key and type is checked: an older version of the page may have kept others. */
function keptFields(settings: Settings): RecipeFields {
  try {
    const kept: unknown = JSON.parse(settings.getItem(key) ?? "{}");
    if (typeof kept !== "object" || kept === null) return defaultFields;
    const known = Object.entries(kept).filter(([name, value]) => {
      const usual = Object.entries(defaultFields).find(([other]) => other === name)?.[1];
      return usual !== undefined && typeof usual === typeof value;
    });
    return { ...defaultFields, ...Object.fromEntries(known) };
  } catch {
    return defaultFields;
  }
}

export function setField<Name extends FieldName>(app: App, name: Name, value: RecipeFields[Name]): void {
  const { fields } = app.recipe;
  fields.value = { ...fields.value, [name]: value };
  app.deps.settings.setItem(key, JSON.stringify(fields.value));
}

/** Everything back to its default, the encoder and the engine apart. */
export function resetRecipe(app: App): void {
  const { encoder, engine } = app.recipe.fields.value;
  app.recipe.fields.value = { ...defaultFields, encoder, engine };
  app.deps.settings.setItem(key, JSON.stringify(app.recipe.fields.value));
}

function parseFields(fields: RecipeFields): { config?: Config; problem?: string } {
  try {
    return { config: parseConfig(configInput(fields)) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** What is no number stays text, so that the recipe's own check names it. */
function number(text: string): number | string {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

export function configInput(fields: RecipeFields): unknown {
  const numbers = Object.fromEntries(
    numberFields.map((name) => [name, number(fields[name])] as const).filter(([, value]) => value !== ""),
  );
  return {
    ...numbers,
    negatives: negativesOf(fields),
    mix: fields.mix,
    inBatch: fields.inBatch,
    schedule: fields.schedule,
    shuffle: fields.shuffle,
    ...(fields.queryPrefix !== "" && { queryPrefix: fields.queryPrefix }),
    ...(fields.documentPrefix !== "" && { documentPrefix: fields.documentPrefix }),
    ...(fields.pooling !== "" && { pooling: fields.pooling }),
    evaluate: { split: fields.split.trim() || "auto", k: fields.k.split(/[\s,;]+/).filter(Boolean).map(number) },
  };
}

const numberFields = [
  "temperature",
  "batchSize",
  "epochs",
  "steps",
  "learningRate",
  "warmup",
  "weightDecay",
  "clip",
  "maxQueryTokens",
  "maxDocumentTokens",
  "seed",
] as const satisfies readonly FieldName[];

function negativesOf(fields: RecipeFields): unknown[] {
  const all = [
    { source: "synthetic", count: number(fields.syntheticCount) },
    {
      source: "bm25",
      count: number(fields.bm25Count),
      first: number(fields.bm25First),
      last: number(fields.bm25Last),
    },
    { source: "random", count: number(fields.randomCount) },
  ];
  return all.filter(({ count }) => count !== 0);
}
