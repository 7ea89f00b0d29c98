/** The second look at a negative: does it answer its query after all? */
import type { ChatMessage, JsonSchema } from "../domain/languageModel.ts";
import type { JudgeInput } from "../domain/synthesis.ts";
import { exampleData, shown, userMessage } from "./prompt.ts";
import { excerpt } from "./parts.ts";
import { judgeKeys, judgeSchema } from "./schemas.ts";

/** What any request is made of. */
export interface Request {
  readonly messages: readonly ChatMessage[];
  readonly schema: JsonSchema;
}

/**
 * Evidence against a claim is as relevant as evidence for it (SciFact's judgements count both), and a wrong answer is no
 * negative: both must come out as "yes".
 */
const instructions = `You check the training examples of a search engine.

You are given a JSON object. "user_query" is what somebody searched for, "positive_document" is a passage that is known to answer it, and "passage" is the passage to check. Does "passage" answer the query?

"yes": it gives what the query asks for. It may do so in other words than the known answer, or differ from it. Where the query is a claim to check, a passage that supports the claim and a passage that refutes or contradicts it are both "yes": either way it is evidence.
"partly": it gives a part of the answer, or a fact from which the answer nearly follows.
"no": it has the topic or the words of the query, but whoever reads it knows no more about what was asked.

Judge by "passage" alone, not by what you know and not by how well it is written.

Format: Answer with one JSON object and nothing else. Its keys, in this order:
"${judgeKeys.reason}": the words of the passage that answer, or what is missing, in one sentence;
"${judgeKeys.answers}": "yes", "partly" or "no".`;

export function judgePrompt({ query, positive, passage }: JudgeInput["items"][number]): Request {
  const example = { query: excerpt(query.text, 300), positive: shown(positive, 1000) };
  const { title, text } = shown(passage, 1500);
  const data = { ...exampleData(example), ...(title !== "" && { passage_title: title }), passage: text };
  return {
    messages: [
      { role: "system", content: instructions },
      {
        role: "user",
        content: userMessage(data, 'Does "passage" answer the query? Answer with the JSON object only.'),
      },
    ],
    schema: judgeSchema,
  };
}
