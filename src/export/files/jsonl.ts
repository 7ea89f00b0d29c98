/** JSON lines: one value a line, UTF-8, line feeds. */
import { mediaTypes, textFile, type PlainFile } from "./file.ts";

/** Breaks of lines to some readers (Python's str.splitlines), and plain characters to JSON. */
const otherBreaks = /[\u0085\u2028\u2029]/gu;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/**
 * The value as one line, whatever a reader takes for the end of one. A surrogate without its other half is written as an
 * escape (ECMA-262, JSON.stringify), so that the line is sound UTF-8 and the text comes back as it was.
 */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value).replace(otherBreaks, escaped)}\n`;

export const jsonlFile = (name: string, values: () => Iterable<unknown>): PlainFile =>
  textFile(name, mediaTypes.jsonl, function* () {
    for (const value of values()) yield jsonLine(value);
  });
