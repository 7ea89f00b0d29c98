/** Queries for a collection that has documents only. */
import type { Document } from "../domain/collection.ts";
import type { Request } from "./judgePrompt.ts";
import { shown, userMessage } from "./prompt.ts";
import { queryKeys, querySchema } from "./schemas.ts";

const instructions = (count: number) => `You write search queries for a collection of documents.

You are given a JSON object with one "document" of the collection. Write ${count === 1 ? "one query" : `${count} different queries`} that this document answers and that few other documents on the topic would answer.

- Ask for something specific that the document tells; each query asks for something else.
- Write as somebody searches who does not know the document: in your own words, not in its wording. Keep names and terms without which nobody could search.
- The query must be clear by itself: never "according to the passage", "this study", "the document", "the author".
- Write in the language of the document.

Format: Answer with one JSON object and nothing else: "${queryKeys.queries}" is a list of ${count} ${count === 1 ? "string" : "strings"}.`;

/** For `count` queries that `document` answers. */
export function queryPrompt(document: Pick<Document, "title" | "text">, count: number): Request {
  const { title, text } = shown(document, 1500);
  const data = { ...(title !== "" && { title }), document: text };
  return {
    messages: [
      { role: "system", content: instructions(count) },
      { role: "user", content: userMessage(data, "Write the queries now. Answer with the JSON object only.") },
    ],
    schema: querySchema(count),
  };
}
