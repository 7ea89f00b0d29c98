/** What trains, how batches are made, what saves memory and what dev decides, as fields of the recipe. */
import { present } from "../base/assert.ts";
import { type Config, parseConfig } from "../domain/config.ts";
import { layerMatrices, type LayerMatrix } from "../domain/engine.ts";
import { typedNumber } from "./recipeSources.ts";

/** Every addition with its own defaults. */
const usual = parseConfig({ lora: {}, dropout: {} });
const usualLora = present(usual.lora, "lora");
const usualDropout = present(usual.dropout, "dropout");
/** As often as a default run has something to tell. */
const usualEvery = 25;

/** The matrices that LoRA adds to, as the form offers them. */
const matricesOf = {
  all: layerMatrices,
  attention: ["attention.qkv", "attention.output"],
  feedForward: ["intermediate", "output"],
} as const satisfies Readonly<Record<string, readonly LayerMatrix[]>>;

/** Numbers are kept as typed, so that a half-typed one is neither lost nor corrected. */
export function trainingFields(config: Config) {
  const { lora, dropout, best } = config;
  const optional = (value: number | undefined): string => String(value ?? "");
  return {
    side: config.side,
    frozenLayers: optional(config.frozenLayers),
    lora: lora !== undefined,
    loraRank: String((lora ?? usualLora).rank),
    loraAlpha: String((lora ?? usualLora).alpha),
    loraMatrices: "all" as keyof typeof matricesOf,
    dropout: dropout !== undefined,
    dropoutHidden: String((dropout ?? usualDropout).hidden),
    dropoutAttention: String((dropout ?? usualDropout).attention),
    batchTokens: optional(config.batchTokens),
    accumulate: String(config.accumulate),
    optimizer: config.optimizer,
    precision: config.precision,
    microTokens: optional(config.microTokens),
    recompute: config.recompute,
    best: best !== undefined,
    bestEvery: String(best?.every ?? usualEvery),
    /** "": training never ends early. */
    bestPatience: optional(best?.patience),
  };
}

type TrainingFields = Readonly<ReturnType<typeof trainingFields>>;

const given = (name: string, text: string) => (text.trim() === "" ? {} : { [name]: typedNumber(text) });

/** What is not chosen is left out. */
export function trainingInput(fields: TrainingFields): Readonly<Record<string, unknown>> {
  const { side, optimizer, precision, recompute } = fields;
  return {
    side,
    optimizer,
    precision,
    recompute,
    ...given("frozenLayers", fields.frozenLayers),
    ...given("batchTokens", fields.batchTokens),
    ...given("accumulate", fields.accumulate),
    ...given("microTokens", fields.microTokens),
    ...(fields.lora && {
      lora: {
        ...given("rank", fields.loraRank),
        ...given("alpha", fields.loraAlpha),
        matrices: matricesOf[fields.loraMatrices],
      },
    }),
    ...(fields.dropout && {
      dropout: { ...given("hidden", fields.dropoutHidden), ...given("attention", fields.dropoutAttention) },
    }),
    ...(fields.best && {
      best: { every: typedNumber(fields.bestEvery), ...given("patience", fields.bestPatience) },
    }),
  };
}
