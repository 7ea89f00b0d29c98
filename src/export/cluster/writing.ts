/** Requests for decoys as files, and the program that asks them elsewhere. */
import type { HandOver } from "../../domain/synthesis.ts";
import { mediaTypes, textFile, type PlainFile } from "../files/file.ts";
import { jsonlFile } from "../files/jsonl.ts";
import { clusterFormat } from "./recipe.ts";
import checksProgram from "./checks.py?raw";
import generateProgram from "./generate.py?raw";

export interface WritingInput extends HandOver {
  readonly settings: {
    readonly recipe: string;
    readonly reflection: boolean;
    readonly temperature: number;
    readonly topP: number;
    readonly maxTokens: number;
  };
  /** Of the whole collection: a decoy that copies one of them is none. */
  readonly documents: readonly { readonly id: string; readonly text: string }[];
}

/** generate.py and checks.py, what they are told, and the documents that a decoy may not copy. */
export function writingFiles({ settings, checks, documents, ...asked }: WritingInput): readonly PlainFile[] {
  const told = { format: clusterFormat, writtenBy: "Decoy", settings, checks };
  return [
    textFile("generate.py", mediaTypes.text, () => [generateProgram]),
    textFile("checks.py", mediaTypes.text, () => [checksProgram]),
    textFile("writing.json", mediaTypes.json, () => [`${JSON.stringify(told)}\n`]),
    jsonlFile("requests.jsonl", () => asked.requests()),
    jsonlFile("documents.jsonl", () => documents),
  ];
}
