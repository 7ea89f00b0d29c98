/** What a person should know about the rows of a mix, in words. */
import type { Config } from "../domain/config.ts";
import type { MixOutcome } from "../negatives/mix.ts";
import { askedOf } from "../negatives/quotas.ts";

/** Rows that take found negatives in place of synthetic ones, and what that makes of a ratio. */
function lackingNotes({ ratio, mix, ...config }: Config, outcome: MixOutcome): string[] {
  const { lackingSynthetic, rows, synthetic, others } = outcome;
  if (mix !== "hybrid" || lackingSynthetic === 0) return [];
  const some = `${lackingSynthetic} of ${rows} training rows`;
  if (ratio) {
    return [
      `${some} lack synthetic negatives and take found ones instead: the rows have ${synthetic} synthetic and ${others} other negatives in all.`,
    ];
  }
  return askedOf(config).synthetic > 1
    ? [`${some} lack synthetic negatives and take found ones instead.`]
    : [`${some} have no synthetic negative and take one more found negative instead.`];
}

function directNotes(config: Config, { mostSynthetic }: MixOutcome): string[] {
  if (config.mix !== "direct") return [];
  const { synthetic, refreshed } = askedOf(config);
  const notes: string[] = [];
  if (mostSynthetic <= synthetic) {
    notes.push(
      `No query has more synthetic negatives than the hybrid mix takes (${synthetic}), so the direct mix gives the same rows. Give at least ${synthetic < 2 ? "two" : synthetic + 1} synthetic negatives a query to tell direct from hybrid.`,
    );
  }
  if (refreshed > 0)
    notes.push(
      "What ANCE and ADORE find comes on top in every row: the direct mix deals what is there before training.",
    );
  return notes;
}

function shortNotes({ mix }: Config, { short, rows }: MixOutcome): string[] {
  if (short === 0) return [];
  const verb = mix === "synthetic" ? "written" : "found";
  return [`${short} of ${rows} training rows have fewer negatives than the recipe asks for: no more were ${verb}.`];
}

export const mixNotes = (config: Config, outcome: MixOutcome): string[] => [
  ...lackingNotes(config, outcome),
  ...directNotes(config, outcome),
  ...shortNotes(config, outcome),
];
