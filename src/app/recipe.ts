/** The recipe as a form: text fields as typed, and the {@link Config} they make, or why they make none. */
import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import { messageOf } from "../base/errors.ts";
import { type Config, parseConfig } from "../domain/config.ts";
import type { EngineChoice } from "../domain/encoder.ts";
import type { App } from "./app.ts";
import type { Settings } from "./dependencies.ts";
import type { Prediction } from "./prediction.ts";
import { lossFields, lossInput, typedNumbers } from "./recipeLoss.ts";
import { negativesInput, sourceFields, typedNumber } from "./recipeSources.ts";
import { trainingFields, trainingInput } from "./recipeTraining.ts";
import { defaultEncoder } from "./shipped.ts";

/** One for each control. Numbers are kept as typed, so that a half-typed one is neither lost nor corrected. */
function fieldsOf(config: Config, encoder: string, engine: EngineChoice) {
  return {
    encoder,
    engine,
    /** Key of the encoder that scores negatives before training; "": the one that is trained. */
    guide: "",
    pairs: config.pairs,
    ...sourceFields(config),
    ...mixFields(config),
    ...lossFields(config),
    ...trainingFields(config),
    temperature: String(config.temperature),
    inBatch: config.inBatch,
    mask: config.mask,
    batchSize: String(config.batchSize),
    epochs: String(config.epochs),
    steps: String(config.steps ?? ""),
    learningRate: String(config.learningRate ?? ""),
    warmup: String(config.warmup),
    schedule: config.schedule,
    weightDecay: String(config.weightDecay),
    clip: String(config.clip),
    maxQueryTokens: String(config.maxQueryTokens),
    maxDocumentTokens: String(config.maxDocumentTokens),
    queryPrefix: config.queryPrefix ?? "",
    documentPrefix: config.documentPrefix ?? "",
    pooling: config.pooling ?? "",
    seed: String(config.seed),
    shuffle: config.shuffle,
    split: config.evaluate.split,
    k: config.evaluate.k.join(", "),
  };
}

/** How negatives are dealt, left out and looked at. */
function mixFields(config: Config) {
  const { ratio, gate } = config;
  return {
    mix: config.mix,
    ratio: ratio?.reading ?? ("" as const),
    /** "about 0.7", as the paper's readers report it. */
    ratioValue: String(ratio?.value ?? 0.7),
    gate: gate?.filter ?? ("" as const),
    /** "": the filter's own default. */
    gateValue: String(gate?.value ?? ""),
    batches: config.batches,
    topics: String(config.topics),
    probes: String(config.probes),
    probeRows: String(config.probeRows),
    varianceBatches: String(config.varianceBatches),
  };
}

export type RecipeFields = Readonly<ReturnType<typeof fieldsOf>>;
export const defaultFields: RecipeFields = fieldsOf(parseConfig({}), defaultEncoder, "auto");
export type FieldName = keyof RecipeFields;

export interface RecipeState {
  readonly fields: Signal<RecipeFields>;
  readonly config: ReadonlySignal<Config | undefined>;
  /** What is wrong with the fields, in words for a person. */
  readonly problem: ReadonlySignal<string | undefined>;
  /** Of these fields. */
  readonly prediction: Signal<Prediction>;
}

const engines = ["auto", "webgpu", "cpu"] as const satisfies readonly EngineChoice[];

export const recipeKey = "decoy.recipe";

export function createRecipe(settings: Settings): RecipeState {
  const fields = signal<RecipeFields>(keptFields(settings));
  const parsed = computed(() => parseFields(fields.value));
  return {
    fields,
    config: computed(() => parsed.value.config),
    problem: computed(() => parsed.value.problem),
    prediction: signal<Prediction>({ kind: "none" }),
  };
}

/** Every key and type is checked: an older version of the page may have kept others. */
function keptFields(settings: Settings): RecipeFields {
  try {
    const kept: unknown = JSON.parse(settings.getItem(recipeKey) ?? "{}");
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

/** A recipe as another visit kept it; what is wrong in it stands in the form as anything that was typed. */
export function takeRecipe(app: App, kept: string): void {
  const { settings } = app.deps;
  settings.setItem(recipeKey, kept);
  const fields = keptFields(settings);
  const engine = engines.find((each) => each === fields.engine) ?? "auto";
  app.recipe.fields.value = { ...fields, engine };
  app.recipe.prediction.value = { kind: "none" };
  keepFields(app);
}

export function setField<Name extends FieldName>(app: App, name: Name, value: RecipeFields[Name]): void {
  const { fields } = app.recipe;
  fields.value = { ...fields.value, [name]: value };
  app.recipe.prediction.value = { kind: "none" };
  keepFields(app);
}

/** Only what differs from the defaults, so that better defaults of a later version take effect. */
function keepFields({ recipe, deps }: App): void {
  const usual = Object.entries(defaultFields);
  const chosen = Object.entries(recipe.fields.value).filter(
    ([name, value]) => !usual.some(([other, standard]) => other === name && standard === value),
  );
  deps.settings.setItem(recipeKey, JSON.stringify(Object.fromEntries(chosen)));
}

/** Everything back to its default, the encoder and the engine apart. */
export function resetRecipe(app: App): void {
  const { encoder, engine } = app.recipe.fields.value;
  app.recipe.fields.value = { ...defaultFields, encoder, engine };
  app.recipe.prediction.value = { kind: "none" };
  keepFields(app);
}

function parseFields(fields: RecipeFields): { config?: Config; problem?: string } {
  try {
    const config = parseConfig(configInput(fields));
    if (config.loss !== "marginMSE" || fields.guide !== "") return { config };
    return { problem: "loss: MarginMSE learns the margins of a guide. Choose a guide, or another loss." };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

export function configInput(fields: RecipeFields): unknown {
  const numbers = Object.fromEntries(
    numberFields.map((name) => [name, typedNumber(fields[name])] as const).filter(([, value]) => value !== ""),
  );
  return {
    ...numbers,
    pairs: fields.pairs,
    negatives: negativesInput(fields),
    mix: fields.mix,
    ...(fields.ratio !== "" && { ratio: { reading: fields.ratio, value: typedNumber(fields.ratioValue) } }),
    ...(fields.gate !== "" && { gate: gateInput(fields) }),
    batches: fields.batches,
    ...lossInput(fields),
    ...trainingInput(fields),
    inBatch: fields.inBatch,
    mask: fields.mask,
    schedule: fields.schedule,
    shuffle: fields.shuffle,
    ...(fields.queryPrefix !== "" && { queryPrefix: fields.queryPrefix }),
    ...(fields.documentPrefix !== "" && { documentPrefix: fields.documentPrefix }),
    ...(fields.pooling !== "" && { pooling: fields.pooling }),
    evaluate: {
      split: fields.split.trim() || "auto",
      k: typedNumbers(fields.k),
    },
  };
}

const gateInput = ({ gate, gateValue }: RecipeFields): unknown => ({
  filter: gate,
  ...(gateValue.trim() !== "" && { value: typedNumber(gateValue) }),
});

const numberFields = [
  "topics",
  "probes",
  "probeRows",
  "varianceBatches",
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
