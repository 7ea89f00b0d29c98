/** Fields of expertise that a collection touches: values for SyNeg's domain attribute. */
import type { Document } from "../domain/collection.ts";
import type { Request } from "./judgePrompt.ts";
import { shown, userMessage } from "./prompt.ts";
import { domainKeys, domainSchema } from "./schemas.ts";

/** Documents that are shown at the most, and tokens of each: about 2,000 in all. */
const most = 24;
const tokensEach = 80;

const instructions = `You know the fields of science, trade and culture and their experts.

You are given a JSON object with a sample of the "documents" of one collection. Name the fields whose experts could have written or would search for such documents: up to twelve, no two of them the same, the most frequent first. A field is one to four words, such as a faculty or a profession would use, neither as wide as "Science" nor as narrow as one document.

Format: Answer with one JSON object and nothing else: "${domainKeys.domains}" is the list of the fields, in the language of the documents.`;

/** From an even sample of `documents`, in their order. */
export function domainPrompt(documents: readonly Document[]): Request {
  const step = Math.max(1, documents.length / most);
  const sample = Array.from({ length: Math.min(most, documents.length) }, (_, i) => documents[Math.floor(i * step)]);
  const data = {
    documents: sample
      .filter((document) => document !== undefined)
      .map((document) => shown(document, tokensEach))
      .map(({ title, text }) => (title === "" ? text : `${title}: ${text}`)),
  };
  return {
    messages: [
      { role: "system", content: instructions },
      { role: "user", content: userMessage(data, "Name the fields now. Answer with the JSON object only.") },
    ],
    schema: domainSchema,
  };
}
