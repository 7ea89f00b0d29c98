/** How synthetic negatives are asked for: prompt recipe, attributes, budgets. Validated for the page and stored drafts alike. */
import * as v from "valibot";
import { UserError } from "../base/errors.ts";

/** A generation recipe with a key or a value that does not exist. */
export class InvalidGeneration extends UserError {
  override readonly name = "InvalidGeneration";
}

const text = v.pipe(v.string(), v.maxLength(4000));
const list = v.pipe(v.array(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200))), v.maxLength(100));

/** The parts of a prompt; each is a template with {placeholders}. Where one is left out the recipe's own holds. */
const parts = v.strictObject({
  role: v.optional(text),
  task: v.optional(text),
  reasoning: v.optional(text),
  hardNegatives: v.optional(text),
  attributes: v.optional(text),
  format: v.optional(text),
});
export type PromptPart = keyof v.InferOutput<typeof parts>;

const schema = v.strictObject({
  /** "syneg": reflect, draft, revise in one request. "causalneg": analyse the answer's boundary, then edit a found passage. */
  recipe: v.optional(v.picklist(["syneg", "causalneg"]), "syneg"),
  /** SyNeg's self-reflection; without it the model writes at once. */
  reflection: v.optional(v.boolean(), true),
  /** SyNeg's attributes (domain, level, length); without them and without reflection the prompt is plain. */
  attributes: v.optional(v.boolean(), true),
  parts: v.optional(parts, {}),
  /** Values that each request draws from. An empty list leaves its attribute out. */
  domains: v.optional(list, []),
  levels: v.optional(list, []),
  lengths: v.optional(list, []),
  /** Negatives a query. */
  perQuery: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(20)), 1),
  /** More tries, each with another seed, after an answer that had to be rejected. */
  retries: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(5)), 2),
  temperature: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(2)), 0.7),
  topP: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1)), 0.95),
  /** Most tokens of an answer, reflection included. */
  maxTokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(32), v.maxValue(8192)), 900),
  /** Seconds without a new token after which the model is restarted. */
  stallAfter: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(3600)), 60),
  /** Seconds after which an answer that still goes on is given up. */
  timeout: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(36_000)), 300),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1),
});

export type Generation = v.InferOutput<typeof schema>;
export type GenerationInput = v.InferInput<typeof schema>;

/** With every default filled in. Errors: {@link InvalidGeneration}, naming each key that is wrong. */
export function parseGeneration(input: unknown): Generation {
  const result = v.safeParse(schema, Array.isArray(input) ? undefined : input);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => {
    const at = v.getDotPath(issue) ?? "the recipe";
    return issue.expected === "never" ? `${at}: there is no such key` : `${at}: ${issue.message}`;
  });
  throw new InvalidGeneration(`The generation recipe is not valid. ${problems.join(". ")}.`);
}

/** "syneg", "syneg without reflection", "syneg plain", "causalneg": how drafts and tables name the recipe. */
export function recipeName({ recipe, reflection, attributes }: Generation): string {
  if (recipe === "causalneg") return recipe;
  if (!reflection && !attributes) return "syneg plain";
  if (!reflection) return "syneg without reflection";
  return attributes ? "syneg" : "syneg without attributes";
}
