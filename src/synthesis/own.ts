/** A person's own negative, held to the same checks; only what cannot be one is turned down, the rest is said. */
import { digestOfTexts } from "../base/digest.ts";
import { documentText, type Document } from "../domain/collection.ts";
import type { Draft } from "../domain/draft.ts";
import type { Similar, Topic } from "../domain/synthesis.ts";
import { checkPassage, type Passage } from "./checks.ts";
import { unitsOf } from "./overlap.ts";

/** Letter case, punctuation and spaces do not make another text. */
const wordsOf = (text: string) => unitsOf(text).join(" ");

/** Whether the passage says what the document says, with its title or without. */
function isCopy(passage: Passage, document: Document): boolean {
  const whole = wordsOf(documentText(passage));
  return (
    whole !== "" && (wordsOf(passage.text) === wordsOf(document.text) || whole === wordsOf(documentText(document)))
  );
}

/** The key is a digest of query and text: the same words again are the same draft. `now` gives the time of writing. */
export async function checkOwn(topic: Topic, written: Passage, similar: Similar, now: () => Date): Promise<Draft> {
  const { query, positive } = topic;
  const passage = { title: written.title.trim(), text: written.text.trim() };
  const near = passage.text === "" ? [] : await similar(documentText(passage));
  const flaws = checkPassage({ query: query.text, positive, passage, similar: near });
  const copied = [positive, ...near].find((document) => isCopy(passage, document));
  const copy =
    copied &&
    ({
      flaw: copied.id === positive.id ? "copiesPositive" : "copiesDocument",
      text: copied.id === positive.id ? "Is the positive, word for word." : `Is document ${copied.id}, word for word.`,
    } as const);
  const empty = flaws.some(({ flaw }) => flaw === "empty");
  return {
    key: digestOfTexts(["by hand", query.id, passage.title, passage.text]),
    queryId: query.id,
    positiveId: positive.id,
    source: "human",
    outcome: empty || copy ? "rejected" : "accepted",
    notes: copy ? [copy, ...flaws.filter(({ flaw }) => flaw !== copy.flaw)] : flaws,
    ...passage,
    attributes: {},
    provider: "person",
    model: "",
    recipe: "by hand",
    seed: 0,
    attempt: 1,
    answer: "",
    promptTokens: 0,
    completionTokens: 0,
    seconds: 0,
    createdAt: now().toISOString(),
  };
}
