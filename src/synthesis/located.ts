/** Where in the JSON of an answer the passage stands: under its key, or where small models put it instead. */
import type { Reasoning } from "../domain/negative.ts";
import { isEcho } from "./echo.ts";
import { unitsOf, wordCount } from "./overlap.ts";
import { readJson } from "./readJson.ts";
import { answerKeys } from "./schemas.ts";

export type Located =
  | {
      readonly kind: "passage";
      readonly text: string;
      /** "" where there is none. */
      readonly title: string;
      /** Under the right key, as a string. */
      readonly exact: boolean;
      readonly reasoning: Reasoning | undefined;
    }
  /** The schema, the instructions or the example instead of an answer. */
  | { readonly kind: "echo" }
  /** The key is there and nothing is under it. */
  | { readonly kind: "empty" }
  | { readonly kind: "nothing"; readonly keys: readonly string[] };

type Members = Readonly<Record<string, unknown>>;

const deepest = 3;
/** Words of a string that may be the passage though its key says nothing. */
const longEnough = 8;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const plain = (key: string) => key.toLowerCase().replaceAll(/[^\p{L}]/gu, "");

/** The right key misspelt comes first, then other names, the likeliest first. */
const otherNames: readonly RegExp[] = [
  new RegExp(`^${plain(answerKeys.passage)}s?$`),
  /^hardneg/,
  /^(?:final|revised|rewritten|new)?(?:negative|negatives|negativedocument|negativepassage|negativetext)$/,
  /^(?:final|revised|rewritten|new|hard)(?:passage|document|text|version|answer)$/,
  /^(?:passage|document|doc)s?$/,
  /^(?:text|content|body|output|response|answer|result|paragraph|value|final|decoy)$/,
];

/** Keys of what is not the passage, however long it is. */
const notThePassage = new Set(
  [
    ...Object.values(answerKeys).filter((key) => key !== answerKeys.passage),
    ...(
      "user_query query positive_document positive_title positive found_document found_title reasoning reflection " +
      "explanation note notes analysis thought thoughts error message description type $schema domain level length " +
      "example instruction task"
    ).split(" "),
  ].map(plain),
);

/** An object that describes values instead of holding them. */
function isSchema(members: Members): boolean {
  const { type, properties } = members;
  if (isObject(properties) || Object.hasOwn(members, "$schema")) return true;
  const types = ["string", "object", "array", "number", "boolean"];
  return typeof type === "string" && types.includes(type) && Object.keys(members).length <= 6;
}

/** The text in a value that stands where the passage should: a string, a list of it, an object around it. */
function textIn(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return value;
  if (depth > deepest) return undefined;
  if (Array.isArray(value)) {
    for (const item of value.slice(0, 5)) {
      const text = textIn(item, depth + 1);
      if (text !== undefined && text.trim() !== "") return text;
    }
    return undefined;
  }
  if (!isObject(value) || isSchema(value)) return undefined;
  for (const name of otherNames) {
    const key = Object.keys(value).find((key) => name.test(plain(key)));
    const text = key === undefined ? undefined : textIn(value[key], depth + 1);
    if (text !== undefined) return text;
  }
  return undefined;
}

function stringUnder(members: Members, name: string): string {
  const key = Object.keys(members).find((key) => plain(key) === plain(name));
  const value = key === undefined ? undefined : members[key];
  return typeof value === "string" ? value.trim() : "";
}

/** All three sentences, in the answer itself or in an object one level down. */
function reasoningIn(members: Members): Reasoning | undefined {
  for (const place of [members, ...Object.values(members).filter(isObject)]) {
    const reasoning = {
      positive: stringUnder(place, answerKeys.positive),
      shares: stringUnder(place, answerKeys.shares),
      lacks: stringUnder(place, answerKeys.lacks),
    };
    if (Object.values(reasoning).every((sentence) => sentence !== "" && !isEcho(sentence))) return reasoning;
  }
  return undefined;
}

function titleIn(members: Members, passage: unknown): string {
  const own = stringUnder(members, answerKeys.title);
  return own === "" && isObject(passage) ? stringUnder(passage, answerKeys.title) : own;
}

/** JSON that was put into the passage's string once more. */
function unwrapped(text: string, outer: Members, depth: number): Located | undefined {
  if (depth >= deepest || !/^\s{0,20}\{\s{0,20}"/.test(text)) return undefined;
  const inner = readJson(text, "stop");
  const located = inner && locate(inner.value, depth + 1);
  if (located?.kind !== "passage") return undefined;
  return { ...located, exact: false, reasoning: located.reasoning ?? reasoningIn(outer) };
}

function under(members: Members, key: string, depth: number): Located | undefined {
  const value = members[key];
  const text = value === null ? "" : textIn(value, depth);
  if (text === undefined) return isObject(value) && isSchema(value) ? { kind: "echo" } : undefined;
  if (/^\s*(?:none|null|undefined|n\/?a|nan|-+)?\.?\s*$/i.test(text)) return { kind: "empty" };
  if (isEcho(text)) return { kind: "echo" };
  const inner = unwrapped(text, members, depth);
  if (inner) return inner;
  const exact = key === answerKeys.passage && typeof value === "string";
  return { kind: "passage", text, title: titleIn(members, value), exact, reasoning: reasoningIn(members) };
}

/** The only long text of an object none of whose keys are known. */
function onlyLongText(members: Members): string | undefined {
  const long = Object.entries(members).filter(
    ([key, value]) =>
      typeof value === "string" && !notThePassage.has(plain(key)) && wordCount(unitsOf(value)) >= longEnough,
  );
  return long.length === 1 ? long[0]?.[0] : undefined;
}

function keysFor(members: Members): string[] {
  const keys = Object.keys(members);
  const named = otherNames.flatMap((name) => keys.filter((key) => name.test(plain(key))));
  const only = onlyLongText(members);
  // Each once: what is under a key may hold more of the same.
  const likely = new Set([answerKeys.passage, ...named, ...(only === undefined ? [] : [only])]);
  return [...likely].filter((key) => Object.hasOwn(members, key));
}

/** The best of several: a passage, else the first that says why there is none. */
function best(results: readonly Located[]): Located | undefined {
  return results.find(({ kind }) => kind === "passage") ?? results.find(({ kind }) => kind !== "nothing") ?? results[0];
}

function locateIn(members: Members, depth: number): Located {
  const found = best(keysFor(members).flatMap((key) => under(members, key, depth) ?? []));
  if (found?.kind === "passage") return found;
  const inside = Object.entries(members).filter(
    ([key, value]) => typeof value === "object" && !notThePassage.has(plain(key)),
  );
  const inner = best(inside.map(([, value]) => locate(value, depth + 1)));
  if (inner?.kind === "passage") return { ...inner, exact: false, reasoning: inner.reasoning ?? reasoningIn(members) };
  if (found) return found;
  const keys = Object.keys(members);
  if (isSchema(members) || inner?.kind === "echo") return { kind: "echo" };
  if (["user_query", "positive_document"].every((key) => keys.includes(key))) return { kind: "echo" };
  return { kind: "nothing", keys };
}

/** Looks three levels deep and no deeper, so that no nesting can exhaust the stack. */
export function locate(value: unknown, depth = 0): Located {
  if (depth > deepest || typeof value !== "object" || value === null) return { kind: "nothing", keys: [] };
  return isObject(value) ? locateIn(value, depth) : locateInList(Array.isArray(value) ? value.slice(0, 5) : [], depth);
}

function locateInList(items: readonly unknown[], depth: number): Located {
  const [only] = items;
  if (depth === 0 && items.length === 1 && typeof only === "string")
    return under({ [answerKeys.passage]: [only] }, answerKeys.passage, depth) ?? { kind: "empty" };
  const found = best(items.map((item) => locate(item, depth + 1)));
  return found?.kind === "passage" ? { ...found, exact: false } : (found ?? { kind: "nothing", keys: [] });
}
