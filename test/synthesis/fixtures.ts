/** The committed answers, each with the verdict that a careful reader gives. */
import { readFileSync } from "node:fs";
import type { Document } from "../../src/domain/collection.ts";
import { documentId } from "../../src/domain/ids.ts";
import { judgeAnswerText, type AnswerInput, type AnswerJudged } from "../../src/synthesis/answer.ts";

export interface Case {
  readonly name: string;
  readonly answer: string;
  readonly finish: "stop" | "length";
  readonly reflection: boolean;
  readonly query: string;
  readonly positive: string;
  readonly positiveTitle?: string;
  readonly similar?: readonly string[];
  readonly expect: "accepted" | "repaired" | "rejected";
  /** The first note's; absent where accepted. */
  readonly flaw?: string;
  /** The passage that must come out; absent where rejected. */
  readonly text?: string;
}

export const cases: readonly Case[] = readFileSync(
  new URL("../fixtures/answers/answers.jsonl", import.meta.url),
  "utf8",
)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

export function document(text: string, title = "", id = "p"): Document {
  return { id: documentId(id), title, text };
}

export function inputOf({
  answer,
  finish,
  reflection,
  query,
  positive,
  positiveTitle,
  similar = [],
}: Case): AnswerInput {
  return {
    answer,
    finish,
    reflection,
    query,
    positive: document(positive, positiveTitle),
    similar: similar.map((text, i) => document(text, "", `d${i}`)),
  };
}

export const judge = (item: Case): AnswerJudged => judgeAnswerText(inputOf(item));
