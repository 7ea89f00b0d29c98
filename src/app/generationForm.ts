/** How decoys are asked for, as a form: fields as typed, the recipe and the provider that they make, or why they make none. */
import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import { messageOf } from "../base/errors.ts";
import { type Generation, parseGeneration, type PromptPart } from "../domain/generation.ts";
import type { ModelChoice, ProviderKind, ProviderSettings } from "../domain/languageModel.ts";
import type { Preset } from "../domain/synthesis.ts";
import type { KeptProvider } from "../storage/schema.ts";
import type { App } from "./app.ts";
import type { Settings } from "./dependencies.ts";

const standard = parseGeneration({});

/** Numbers and lists are kept as typed. An endpoint's key is no field: fields are stored. */
export const defaultGeneration = {
  /** "": the collection's own recorded answers where it brings some, else WebLLM. */
  provider: "" as "" | ProviderKind,
  webllmModel: "",
  transformersModel: "",
  endpointUrl: "http://localhost:11434/v1",
  endpointModel: "",
  endpointConcurrency: "2",
  recipe: standard.recipe,
  reflection: standard.reflection,
  attributes: standard.attributes,
  /** Name of the preset that filled the lists; "" until one did. */
  preset: "",
  /** One value a line. */
  domains: "",
  levels: "",
  lengths: "",
  perQuery: String(standard.perQuery),
  retries: String(standard.retries),
  temperature: String(standard.temperature),
  topP: String(standard.topP),
  maxTokens: String(standard.maxTokens),
  stallAfter: String(standard.stallAfter),
  timeout: String(standard.timeout),
  seed: String(standard.seed),
};

export type GenerationFields = Readonly<typeof defaultGeneration>;
export type GenerationField = keyof GenerationFields;
/** The parts of the prompt that a person changed. */
export type OwnParts = Readonly<Partial<Record<PromptPart, string>>>;

export const promptParts = [
  "role",
  "task",
  "reasoning",
  "hardNegatives",
  "attributes",
  "format",
] as const satisfies readonly PromptPart[];

export interface GenerationForm {
  readonly fields: Signal<GenerationFields>;
  readonly parts: Signal<OwnParts>;
  /** Held in memory only. */
  readonly key: Signal<string>;
  readonly generation: ReadonlySignal<Generation | undefined>;
  readonly problem: ReadonlySignal<string | undefined>;
}

const storedUnder = "decoy.generation";

export function createGenerationForm(settings: Settings): GenerationForm {
  const kept = readKept(settings);
  const fields = signal<GenerationFields>(kept.fields);
  const parts = signal<OwnParts>(kept.parts);
  const parsed = computed(() => parse(fields.value, parts.value));
  return {
    fields,
    parts,
    key: signal(""),
    generation: computed(() => parsed.value.generation),
    problem: computed(() => parsed.value.problem),
  };
}

/** Every key and type is checked: another version of the page may have kept others. */
function readKept(settings: Settings): { readonly fields: GenerationFields; readonly parts: OwnParts } {
  try {
    const kept: unknown = JSON.parse(settings.getItem(storedUnder) ?? "{}");
    const fields = entriesOf(kept, "fields").filter(([name, value]) => typeof value === typeof fieldOf(name));
    const parts = entriesOf(kept, "parts").filter(
      ([name, value]) => typeof value === "string" && promptParts.some((part) => part === name),
    );
    return { fields: { ...defaultGeneration, ...Object.fromEntries(fields) }, parts: Object.fromEntries(parts) };
  } catch {
    return { fields: defaultGeneration, parts: {} };
  }
}

function entriesOf(kept: unknown, name: string) {
  if (typeof kept !== "object" || kept === null) return [];
  const inner: unknown = Object.entries(kept).find(([other]) => other === name)?.[1];
  return typeof inner === "object" && inner !== null ? Object.entries(inner) : [];
}

const fieldOf = (name: string): unknown => Object.entries(defaultGeneration).find(([other]) => other === name)?.[1];

function keep({ generation, deps }: App): void {
  const { fields, parts } = generation.form;
  const chosen = Object.entries(fields.value).filter(([name, value]) => fieldOf(name) !== value);
  deps.settings.setItem(storedUnder, JSON.stringify({ fields: Object.fromEntries(chosen), parts: parts.value }));
}

export function setGenerationFields(app: App, patch: Partial<GenerationFields>): void {
  const { fields } = app.generation.form;
  fields.value = { ...fields.value, ...patch };
  keep(app);
}

/** Undefined: back to the recipe's own words. */
export function setPart(app: App, part: PromptPart, words: string | undefined): void {
  const { parts } = app.generation.form;
  const { [part]: _, ...others } = parts.value;
  parts.value = words === undefined ? others : { ...others, [part]: words };
  keep(app);
}

const lines = (values: readonly string[]): string => values.join("\n");

export function usePreset(app: App, { name, domains, levels, lengths }: Preset): void {
  setGenerationFields(app, {
    preset: name,
    domains: lines(domains),
    levels: lines(levels),
    lengths: lines(lengths),
  });
}

const listOf = (text: string): string[] => [
  ...new Set(
    text
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean),
  ),
];

/** What is no number stays text, so that the recipe's own check names it. */
function number(text: string): number | string {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

const numberFields = [
  "perQuery",
  "retries",
  "temperature",
  "topP",
  "maxTokens",
  "stallAfter",
  "timeout",
  "seed",
] as const satisfies readonly GenerationField[];

export function generationInput(fields: GenerationFields, parts: OwnParts): unknown {
  const { recipe, reflection, attributes, domains, levels, lengths } = fields;
  const numbers = numberFields.map((name) => [name, number(fields[name])] as const).filter(([, value]) => value !== "");
  return {
    recipe,
    reflection,
    attributes,
    parts,
    domains: listOf(domains),
    levels: listOf(levels),
    lengths: listOf(lengths),
    ...Object.fromEntries(numbers),
  };
}

function parse(fields: GenerationFields, parts: OwnParts): { generation?: Generation; problem?: string } {
  try {
    return { generation: parseGeneration(generationInput(fields, parts)) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** The provider that is used now: the chosen one, else what the collection makes best. */
export function chosenProvider(app: App): ProviderKind {
  const { provider } = app.generation.form.fields.value;
  if (provider !== "") return provider;
  const negatives = app.collections.open.value?.collection.negatives ?? [];
  return negatives.some(({ source }) => source === "synthetic") ? "recorded" : "webllm";
}

/** The chosen model of a provider with a list, else the first; only of those that this device can run. */
export function chosenModel(app: App, provider: "webllm" | "transformers"): ModelChoice | undefined {
  const models = (app.generation.models.value[provider] ?? []).filter(({ runs }) => runs.here);
  const { webllmModel, transformersModel } = app.generation.form.fields.value;
  const id = provider === "webllm" ? webllmModel : transformersModel;
  return models.find((model) => model.id === id) ?? models[0];
}

/** Undefined while something is missing: no model chosen yet, no address. */
export function providerSettings(app: App): ProviderSettings | undefined {
  const { form } = app.generation;
  const { endpointUrl, endpointModel, endpointConcurrency } = form.fields.value;
  const provider = chosenProvider(app);
  switch (provider) {
    case "webllm":
    case "transformers": {
      const model = chosenModel(app, provider)?.id;
      return model === undefined ? undefined : { provider, model };
    }
    case "endpoint": {
      const [url, model] = [endpointUrl.trim(), endpointModel.trim()];
      if (!URL.canParse(url) || model === "") return undefined;
      const concurrency = Math.min(32, Math.max(1, Math.round(Number(endpointConcurrency)) || 1));
      return { provider, url, model, key: form.key.value, concurrency };
    }
    case "browser":
    case "recorded":
      return { provider };
    default:
      return provider satisfies never;
  }
}

/** As it may be stored: field by field, so that a key cannot slip in. */
export function withoutKey(settings: ProviderSettings): KeptProvider {
  if (settings.provider !== "endpoint") return settings;
  const { provider, url, model, concurrency } = settings;
  return { provider, url, model, concurrency };
}

/** With the key that the person has typed in this visit. */
export function withKey(app: App, kept: KeptProvider): ProviderSettings {
  return kept.provider === "endpoint" ? { ...kept, key: app.generation.form.key.value } : kept;
}
