/** Several negatives of one query: a model likes to write the same one again. */
import type { Draft, DraftNote } from "../domain/draft.ts";
import { overlap, shinglesOf, unitsOf } from "./overlap.ts";

/** Share of word triples in common above which a draft says what an earlier one said: as for copies of documents. */
const same = 0.7;

const percent = (share: number) => `${Math.round(100 * share)} %`;
const flaw = (text: string): DraftNote => ({ flaw: "copiesDocument", text });

/** A copy of an earlier draft, or one drawn out; undefined where the text is new. */
export function siblingFlaw(text: string, earlier: readonly Pick<Draft, "text">[]): DraftNote | undefined {
  const units = unitsOf(text);
  const triples = shinglesOf(units);
  for (const sibling of earlier) {
    const theirs = unitsOf(sibling.text);
    if (units.join(" ") === theirs.join(" ")) return flaw("Is an earlier decoy of this query.");
    const { contained, contains } = overlap(triples, shinglesOf(theirs));
    if (contained >= same)
      return flaw(`Shares ${percent(contained)} of its word triples with an earlier decoy of this query.`);
    if (contains >= same)
      return flaw(`Has ${percent(contains)} of the word triples of an earlier decoy of this query.`);
  }
  return undefined;
}
