/** The JSON in what a language model answered, whatever stands around it. Never throws; the work is linear in the text. */
import type { DraftNote } from "../domain/draft.ts";
import { readLeniently, repaired } from "./repair.ts";

/** Characters of an answer that are looked at: three times the longest that any recipe may ask for, 8,192 tokens. */
export const lookedAt = 100_000;
/** Places at which JSON is tried to be read, so that a text full of brackets costs no more than this many readings. */
const mostTries = 16;
/** Of these, how many may go to jsonrepair. */
const mostRepairs = 2;

export interface FoundJson {
  readonly value: unknown;
  /** "lenient" and "jsonrepair" need a note; where a string of "jsonrepair" ends is a guess. */
  readonly by: "strict" | "lenient" | "jsonrepair";
  /** The text ended before the value did; what was not whole is left out. */
  readonly cut: boolean;
  /** Whether other text stands before or behind it. */
  readonly wrapped: boolean;
}

export type Finish = "stop" | "length";

/** An object, or a list of objects, lists or strings. White space is looked past up to 200 characters. */
const beginning =
  /\{(?=\s{0,200}(?:["'“‘`„«\\}]|\/[/*]|[\p{L}_][\p{L}\p{N}_-]{0,60}\s{0,20}[:：]|$))|\[(?=\s{0,200}["'“‘„«{[])/gu;

const thinkingTag = /<(\/?)(?:think|thinking|thought|reasoning|scratchpad|analysis)>/gi;
/** The channels of models that mark their answer so ("harmony"). */
const finalChannel = /<\|channel\|>\s{0,4}final\s{0,4}<\|message\|>/g;

/** The answer without its thoughts. `unfinished`: it ends in the middle of one. */
export function withoutThinking(text: string): { readonly text: string; readonly unfinished: boolean } {
  const final = [...text.matchAll(finalChannel)].at(-1);
  if (final) return { text: text.slice(final.index + final[0].length), unfinished: false };
  let pieces: string[] = [];
  let from = 0;
  let inside = false;
  for (const tag of text.matchAll(thinkingTag)) {
    const closes = tag[1] === "/";
    if (!inside) pieces.push(text.slice(from, tag.index));
    // A closing tag alone: its opening one was part of the prompt, and all before it is thought.
    if (closes && !inside) pieces = [];
    inside = !closes;
    from = tag.index + tag[0].length;
  }
  pieces.push(text.slice(from));
  return { text: pieces.join(""), unfinished: inside };
}

/** The place after the bracket that closes the one at `start`; undefined where none does. */
function endOf(text: string, start: number): number | undefined {
  const special = /["{}[\]]/g;
  special.lastIndex = start;
  let depth = 0;
  for (let found = special.exec(text); found; found = special.exec(text)) {
    if (found[0] === '"') {
      const end = endOfString(text, special.lastIndex);
      if (end === undefined) return undefined;
      special.lastIndex = end;
    } else {
      depth += found[0] === "{" || found[0] === "[" ? 1 : -1;
      if (depth === 0) return special.lastIndex;
    }
  }
  return undefined;
}

function endOfString(text: string, from: number): number | undefined {
  const special = /["\\]/g;
  special.lastIndex = from;
  for (let found = special.exec(text); found; found = special.exec(text)) {
    if (found[0] === '"') return special.lastIndex;
    special.lastIndex += 1;
  }
  return undefined;
}

function parsed(json: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return { value };
  } catch {
    return undefined;
  }
}

type Attempt = Omit<FoundJson, "wrapped"> & { readonly end: number };

interface Reading {
  readonly text: string;
  readonly finish: Finish;
  repairs: number;
}

function attempt(reading: Reading, start: number): Attempt | undefined {
  const { text, finish } = reading;
  const end = endOf(text, start);
  const strict = end === undefined ? undefined : parsed(text.slice(start, end));
  if (strict && end !== undefined) return { ...strict, by: "strict", cut: false, end };
  const lenient = readLeniently(text, start, finish);
  if (lenient) return { ...lenient, by: "lenient" };
  const last = end ?? (text.lastIndexOf("}") + 1 || text.length);
  // A broken text that was also cut: jsonrepair would close what is not whole.
  if (last <= start || (end === undefined && finish === "length") || reading.repairs >= mostRepairs) return undefined;
  reading.repairs += 1;
  const guessed = repaired(text.slice(start, last));
  return guessed && { ...guessed, by: "jsonrepair", cut: false, end: last };
}

/** The text of an answer that is one JSON string with JSON in it. */
function encoded(text: string): string | undefined {
  const trimmed = text.trim();
  const inner = trimmed.startsWith('"') ? parsed(trimmed)?.value : undefined;
  return typeof inner === "string" ? inner : undefined;
}

/** An answer whose first brace was left out, with it. */
function withBrace(text: string): string | undefined {
  const before = /^\s{0,20}(?:```(?:json)?\s{0,20})?(?="[^"\n{}]{1,60}"\s{0,20}:)/.exec(text)?.[0];
  return before === undefined ? undefined : `${before}{${text.slice(before.length)}`;
}

/** An answer to look through. */
interface Told {
  readonly reading: Reading;
  /** It is JSON inside a JSON string, or its first brace was left out. */
  readonly unusual: boolean;
  /** Thoughts stood before it. */
  readonly thought: boolean;
}

function toldIn(head: string, finish: Finish): Told | undefined {
  const told = withoutThinking(head);
  // Thoughts may hold JSON that was only considered.
  if (told.unfinished && finish === "length") return undefined;
  const inner = encoded(told.text) ?? withBrace(told.text);
  return {
    reading: { text: inner ?? told.text, finish, repairs: 0 },
    unusual: inner !== undefined,
    thought: told.text.length < head.length,
  };
}

/** What was read from `start` on, with what stood around it. */
function foundIn({ reading, unusual, thought }: Told, { end, by, ...rest }: Attempt, start: number): FoundJson {
  const { text } = reading;
  const around = text.slice(0, start).trim() !== "" || text.slice(end).trim() !== "";
  return { ...rest, by: unusual && by === "strict" ? "lenient" : by, wrapped: around || thought };
}

/** Every object and list in an answer, from its beginning on. Ask for no more than you need: each is read when asked for. */
export function* jsonIn(answer: string, finish: Finish): Generator<FoundJson, void, void> {
  const head = answer.slice(0, lookedAt);
  const plain = parsed(head);
  if (plain && typeof plain.value === "object") {
    yield { ...plain, by: "strict", cut: false, wrapped: false };
    return;
  }
  const told = toldIn(head, answer.length > lookedAt ? "length" : finish);
  if (!told) return;
  const { reading } = told;
  let from = 0;
  for (let tries = 0; tries < mostTries; tries++) {
    beginning.lastIndex = from;
    const start = beginning.exec(reading.text)?.index;
    if (start === undefined) return;
    const found = attempt(reading, start);
    if (found) yield foundIn(told, found, start);
    // What was only mended may have swallowed a sound object behind it.
    from = found?.by === "strict" ? found.end : start + 1;
  }
}

/** What had to be done to read it. */
export function notesOn({ by, cut, wrapped }: FoundJson): DraftNote[] {
  const notes: DraftNote[] = [];
  if (cut) notes.push({ flaw: "mendedJson", text: "The JSON was not closed at its end." });
  else if (by === "lenient") notes.push({ flaw: "mendedJson", text: "The JSON had mistakes in its quotes or commas." });
  else if (by === "jsonrepair") notes.push({ flaw: "mendedJson", text: "The JSON was broken and has been repaired." });
  if (wrapped) notes.push({ flaw: "wrapped", text: "Other text stood around the JSON." });
  return notes;
}

export interface ReadJson {
  readonly value: unknown;
  /** Empty where the answer is JSON and nothing else. */
  readonly notes: readonly DraftNote[];
}

/**
 * `readJson(answer, finish, wanted?)`: the first object or list in an answer for which `wanted` holds; undefined where there
 * is none. For the judge, queries, domains and boundaries: their readers say what they want and check its members. Members
 * that a cut left unfinished are missing. Names that JSON gives are own properties: ask with `Object.hasOwn` or destructure.
 */
export function readJson(
  answer: string,
  finish: Finish,
  wanted: (value: unknown) => boolean = () => true,
): ReadJson | undefined {
  for (const found of jsonIn(answer, finish)) {
    if (wanted(found.value)) return { value: found.value, notes: notesOn(found) };
  }
  return undefined;
}
