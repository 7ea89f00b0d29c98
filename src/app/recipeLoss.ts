/** The recipe's loss as fields: which one, and what is added to it. */
import { present } from "../base/assert.ts";
import { type Config, parseConfig } from "../domain/config.ts";
import { typedNumber } from "./recipeSources.ts";

/** Every addition with its own defaults. */
const usual = parseConfig({ hardness: {}, gist: {}, entropy: {} });
const usualHardness = present(usual.hardness, "hardness");
const usualGist = present(usual.gist, "gist");
const usualEntropy = present(usual.entropy, "entropy");

/** Numbers are kept as typed, so that a half-typed one is neither lost nor corrected. */
export function lossFields({ loss, marginScale, symmetric, hardness, gist, entropy, dimensions = [] }: Config) {
  return {
    loss,
    marginScale: String(marginScale),
    symmetric,
    /** Which negatives weigh more; "": none. */
    hardness: hardness?.on ?? ("" as const),
    hardnessAlpha: String((hardness ?? usualHardness).alpha),
    /** How the margin is meant; "": no negative is left out. */
    gist: gist?.strategy ?? ("" as const),
    gistMargin: String((gist ?? usualGist).margin),
    entropy: entropy !== undefined,
    entropyWeight: String((entropy ?? usualEntropy).weight),
    entropyTemperature: String((entropy ?? usualEntropy).temperature),
    /** "64, 128, 320"; "": whole vectors. */
    dimensions: dimensions.join(", "),
  };
}

type LossFields = Readonly<ReturnType<typeof lossFields>>;

/** A list as typed: "10, 100". */
export const typedNumbers = (text: string): (number | string)[] =>
  text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(typedNumber);

function besideInfonce({ symmetric, hardness, entropy, ...fields }: LossFields): Readonly<Record<string, unknown>> {
  return {
    symmetric,
    ...(hardness !== "" && { hardness: { on: hardness, alpha: typedNumber(fields.hardnessAlpha) } }),
    ...(entropy && {
      entropy: { weight: typedNumber(fields.entropyWeight), temperature: typedNumber(fields.entropyTemperature) },
    }),
  };
}

/** What is not chosen is left out, and what the chosen loss does not have: the form does not show it. */
export function lossInput(fields: LossFields): Readonly<Record<string, unknown>> {
  const { loss, gist, marginScale } = fields;
  const dimensions = typedNumbers(fields.dimensions);
  return {
    loss,
    ...(loss === "infonce" && besideInfonce(fields)),
    ...(loss === "marginMSE" && marginScale.trim() !== "" && { marginScale: typedNumber(marginScale) }),
    ...(gist !== "" && { gist: { strategy: gist, margin: typedNumber(fields.gistMargin) } }),
    ...(dimensions.length > 0 && { dimensions }),
  };
}
