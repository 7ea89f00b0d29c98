/** The schema, the instructions or a placeholder where a passage should be. */
import { overlap, shinglesOf, unitsOf } from "./overlap.ts";
import { defaultParts } from "./parts.ts";

/** A text of these alone stands where something should be. */
export const placeholderWords: ReadonlySet<string> = new Set(
  (
    "string str text passage passages document documents paragraph title content value answer insert write put add enter " +
    "the a an your some this my new final revised draft sample example of for in to is one sentence here goes be there " +
    "placeholder todo tbd lorem ipsum hard negative negatives near miss json body short long maxlength type actual " +
    "words characters sentences at most least about up"
  ).split(" "),
);
const longestPlaceholder = 14;

/** Share of a passage's word triples that stand in the instructions: it is the instructions said again. */
const mostOfInstructions = 0.5;
/** Words from which on that share means something. */
const fewestInstructed = 10;

export const instructionText = (["syneg", "causalneg"] as const)
  .flatMap((recipe) => Object.values(defaultParts({ recipe, reflection: true, attributes: true })))
  .join("\n");
const instructions = shinglesOf(unitsOf(instructionText));

/** A description of what is wanted, as models give it back: "A passage that …, but does not answer the query". */
export const description =
  /^\W{0,3}(?:an?|the|your|write an?|one) (?:[\w-]{1,20} ){0,4}(?:passage|document|text|paragraph)s? (?:that|which|about|with|on|in)\b[^.]{0,160}\b(?:quer(?:y|ies)|answer|positive|domain)\b/iu;

/** Whether a value is the schema's or the instructions' instead of a passage. */
export function isEcho(text: string): boolean {
  const units = unitsOf(text.replaceAll("_", " "));
  const bare = text.trim();
  if (units.length === 0) return /^[<[{(]?\s{0,9}(?:\.{2,}|…)/u.test(bare);
  if (units.length <= longestPlaceholder && units.every((unit) => placeholderWords.has(unit) || /^\p{N}+$/u.test(unit)))
    return true;
  if (/^(?:<[^<>]{1,200}>|\[[^[\]]{1,200}\]|\{\{?[^{}]{1,200}\}?\})\.{0,3}$/u.test(bare)) return true;
  if (bare.length < 300 && description.test(bare)) return true;
  return units.length >= fewestInstructed && overlap(shinglesOf(units), instructions).contained >= mostOfInstructions;
}
