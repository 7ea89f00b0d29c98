/** Lists of short texts in a model's answer. */
import type { Completion } from "../domain/languageModel.ts";
import { readJson } from "./readJson.ts";

/** A list itself, or the one under `key`. */
function listIn(value: unknown, key: string): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  const member: unknown = Object.entries(value).find(([name]) => name === key)?.[1];
  return Array.isArray(member) ? member : undefined;
}

/** A text, or the only text of an object: models wrap each item now and then. */
function textOf(item: unknown): string {
  const values: readonly unknown[] = typeof item === "object" && item !== null ? Object.values(item) : [item];
  const texts = values.filter((value) => typeof value === "string");
  return texts.length === 1 ? (texts[0] ?? "") : "";
}

/** On one line, without control characters. */
const tidied = (text: string) => text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();

/** The texts of the first list that has any; undefined where there is none. */
export function readStrings({ text, finish }: Completion, key: string): readonly string[] | undefined {
  const textsIn = (value: unknown) => (listIn(value, key) ?? []).map(textOf).map(tidied).filter(Boolean);
  const found = readJson(text, finish, (value) => textsIn(value).length > 0);
  return found && textsIn(found.value);
}
