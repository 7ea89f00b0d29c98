/**
 * JSON as small models write it, read leniently: quotes inside strings, raw line breaks, single or curly quotes, bare keys,
 * missing and trailing commas, bad escapes, an end that is cut off.
 *
 * One pass from left to right. Where a string ends is decided by what follows its quote, at most {@link farthest}
 * characters further on, so the work is linear in the text whatever it holds. What needs more than that goes to
 * jsonrepair, and only up to {@link mostMended} characters: its retries are quadratic at worst.
 */
import { jsonrepair } from "jsonrepair";

/** White space that is looked past when the end of a string is sought; pretty-printed answers indent by less. */
const farthest = 100;
/** Levels of nesting: no recipe has more than three. */
const deepest = 32;
/** Four times the longest answer that the default recipe allows. */
const mostMended = 20_000;

export interface Mended {
  readonly value: unknown;
  /** The place after it. */
  readonly end: number;
  /** The text ended before the value was closed. Members that were not whole are left out. */
  readonly cut: boolean;
}

interface Cursor {
  readonly text: string;
  readonly finish: "stop" | "length";
  at: number;
  /** "cut" at the end of the text inside a value; "broken" where this is not even nearly JSON. */
  state: "open" | "cut" | "broken";
}

/** No whole value here; the cursor's state says why. */
const nothing: unique symbol = Symbol("nothing");
type Read<T> = T | typeof nothing;

const closers: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["“", '”"'],
  ["‘", "’'"],
  ["„", '“”"'],
  ["«", "»"],
]);

const escapes: ReadonlyMap<string, string> = new Map([
  ["b", " "],
  ["f", " "],
  ["n", "\n"],
  ["r", "\n"],
  ["t", "\t"],
]);

const literal = /(?:-?\d{1,40}(?:\.\d{0,40})?(?:[eE][+-]?\d{1,6})?|[Tt]rue|[Ff]alse|null|None|undefined|NaN)(?![\w.])/y;
const literals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["null", null],
  ["None", null],
  ["undefined", null],
  ["NaN", null],
]);

/** Colons and commas may be full-width, where a model writes Chinese. */
const bareKey = /[\p{L}_][\p{L}\p{N}_-]{0,60}\s{0,20}[:：]/uy;
const quotedKey = /["'“‘`][^"'“”‘’`\n{}]{1,60}["'”’`]\s{0,20}[:：]/y;

/** Ends like a sentence, closing quotes and brackets included. */
export function endsSentence(text: string): boolean {
  return /[.!?…。！？．؟।]["'”’»）)\]」』*_]{0,4}$/u.test(text.slice(-100).trimEnd());
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function past(signs: RegExp, text: string, from: number): number {
  let at = from;
  while (at < text.length && at - from < farthest && signs.test(text.charAt(at))) at += 1;
  return at;
}
const pastSpace = (text: string, from: number) => past(/\s/, text, from);

function stopAs(cursor: Cursor, state: "cut" | "broken"): typeof nothing {
  cursor.state = state;
  return nothing;
}

/** Whether a quote that ends just before `after` ends a member's value: a key, a bracket or the end must follow. */
function endsMember({ text }: Cursor, after: number): boolean {
  const next = pastSpace(text, after);
  const follows = text.charAt(next);
  if (/^}?$/.test(follows)) return true;
  if (!/[,，]/.test(follows)) return next > after && matchAt(quotedKey, text, next) !== undefined;
  const beyond = past(/[\s,，]/, text, next + 1);
  if (/^}?$/.test(text.charAt(beyond))) return true;
  const key = matchAt(quotedKey, text, beyond);
  return key !== undefined || /^[\p{L}\d]*_\w*\s*[:：]$/u.test(matchAt(bareKey, text, beyond) ?? "");
}

function endsItem({ text }: Cursor, after: number): boolean {
  const next = pastSpace(text, after);
  const follows = text.charAt(next);
  if (/[,，]/.test(follows)) return /^["'“‘„«`{[\]]?$/.test(text.charAt(pastSpace(text, next + 1)));
  return follows === "]" || follows === "";
}

function endsKey({ text }: Cursor, after: number): boolean {
  return /^[:：=]?$/.test(text.charAt(pastSpace(text, after)));
}

/** Whether a quote inside a value is the next key's: the value's own closing quote is missing. */
function opensNextKey({ text, at }: Cursor, ends: typeof endsMember): boolean {
  return (
    ends === endsMember &&
    /[,，]\s{0,20}$/.test(text.slice(Math.max(0, at - 21), at)) &&
    matchAt(quotedKey, text, at) !== undefined
  );
}

/** An escape at the cursor, which stands on its backslash. */
function readEscape(cursor: Cursor): string {
  const { text, at } = cursor;
  const letter = text.charAt(at + 1);
  if (letter === "u") {
    const digits = /^[0-9a-fA-F]{0,4}/.exec(text.slice(at + 2, at + 6))?.[0] ?? "";
    cursor.at += 2 + digits.length;
    if (digits === "") return "\\u";
    return digits.length === 4 ? String.fromCharCode(parseInt(digits, 16)) : "\u{FFFD}";
  }
  cursor.at += 2;
  // A backslash before any other letter is a formula's, written once where JSON wants it twice.
  return escapes.get(letter) ?? (/[a-zA-Z]/.test(letter) ? `\\${letter}` : letter);
}

/**
 * From an opening quote to the quote that ends it. Strings put together with "+" are left to jsonrepair. A string that runs to the end of the text is whole only if the model
 * stopped there by itself, after a sentence.
 */
function readString(cursor: Cursor, ends: (cursor: Cursor, after: number) => boolean): Read<string> {
  const { text } = cursor;
  const special = new RegExp(`[\\\\${closers.get(text.charAt(cursor.at)) ?? ""}]`, "g");
  const pieces: string[] = [];
  let inner = false;
  cursor.at += 1;
  while (cursor.at < text.length) {
    special.lastIndex = cursor.at;
    const found = special.exec(text)?.index ?? text.length;
    pieces.push(text.slice(cursor.at, found));
    cursor.at = found;
    if (opensNextKey(cursor, ends)) return pieces.join("").replace(/\s{0,20}[,，]\s{0,20}$/, "");
    if (text.charAt(found) === "\\") {
      pieces.push(readEscape(cursor));
    } else if (found < text.length) {
      cursor.at += 1;
      if (/^\s{0,20}\+\s{0,20}["'`]/.test(text.slice(cursor.at, cursor.at + farthest))) return stopAs(cursor, "broken");
      if (closes(cursor, ends, inner)) return pieces.join("");
      pieces.push(text.charAt(found));
      inner = true;
    }
  }
  return unclosed(cursor, pieces.join(""));
}

/** After a quote inside the string (`inner`), one at the very end of a cut text may be another such. */
function closes(cursor: Cursor, ends: (cursor: Cursor, after: number) => boolean, inner: boolean): boolean {
  const { text, finish, at } = cursor;
  const ambiguous = inner && finish === "length" && pastSpace(text, at) >= text.length;
  return !ambiguous && ends(cursor, at);
}

/** A string that runs to the end of the text. */
function unclosed(cursor: Cursor, read: string): Read<string> {
  cursor.at = cursor.text.length;
  cursor.state = "cut";
  // The closing quote left out or escaped, the bracket behind it there.
  const whole = read.replace(/["'”]?\s{0,20}[}\]]{1,3}\s{0,20}$|\s{0,20}`{3}\s{0,20}$/, "");
  return cursor.finish === "stop" && endsSentence(whole) ? whole : nothing;
}

function readKey(cursor: Cursor): Read<string> {
  const { text, at } = cursor;
  if (closers.has(text.charAt(at))) return readString(cursor, endsKey);
  const bare = matchAt(bareKey, text, at);
  if (bare === undefined)
    return stopAs(cursor, /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(text.slice(at).slice(0, farthest)) ? "cut" : "broken");
  cursor.at += bare.length - 1;
  return bare.slice(0, -1).trim();
}

function readMember(cursor: Cursor, depth: number): Read<[string, unknown]> {
  const key = readKey(cursor);
  if (key === nothing) return nothing;
  cursor.at = pastSpace(cursor.text, cursor.at);
  if (cursor.at >= cursor.text.length) return stopAs(cursor, "cut");
  if (!/[:：=]/.test(cursor.text.charAt(cursor.at))) return stopAs(cursor, "broken");
  cursor.at += 1;
  const value = readValue(cursor, depth + 1, endsMember);
  return value === nothing ? nothing : [key, value];
}

/** What stands between two brackets, read by `read` until `bracket`; undefined where it is broken. */
function readInside<T>(cursor: Cursor, bracket: string, read: () => Read<T>): Read<T[]> {
  const items: T[] = [];
  cursor.at += 1;
  while (cursor.state === "open") {
    while (/[\s,，]/.test(cursor.text.charAt(cursor.at))) cursor.at += 1;
    if (cursor.at >= cursor.text.length) {
      cursor.state = "cut";
    } else if (cursor.text.charAt(cursor.at) === bracket) {
      cursor.at += 1;
      return items;
    } else {
      const item = read();
      if (item !== nothing) items.push(item);
    }
  }
  return cursor.state === "cut" ? items : nothing;
}

function readValue(cursor: Cursor, depth: number, ends: (cursor: Cursor, after: number) => boolean): Read<unknown> {
  cursor.at = pastSpace(cursor.text, cursor.at);
  const first = cursor.text.charAt(cursor.at);
  if (first === "") return stopAs(cursor, "cut");
  if (closers.has(first)) return readString(cursor, ends);
  if (depth > deepest) return stopAs(cursor, "broken");
  if (first === "[") return readInside(cursor, "]", () => readValue(cursor, depth + 1, endsItem));
  if (first === "{") {
    const members = readInside(cursor, "}", () => readMember(cursor, depth));
    // `fromEntries` makes own properties, of "__proto__" too.
    return members === nothing ? nothing : Object.fromEntries(members);
  }
  const word = matchAt(literal, cursor.text, cursor.at);
  if (word === undefined) return stopAs(cursor, "broken");
  cursor.at += word.length;
  return literals.has(word) ? literals.get(word) : Number(word);
}

/** The object or array that begins at `start`, as far as it can be made out; undefined where it cannot. */
export function readLeniently(text: string, start: number, finish: "stop" | "length"): Mended | undefined {
  const cursor: Cursor = { text, finish, at: start, state: "open" };
  const value = readValue(cursor, 0, endsMember);
  // TypeScript does not see that the calls change the state.
  const state: string = cursor.state;
  return value === nothing ? undefined : { value, end: cursor.at, cut: state === "cut" };
}

/** By jsonrepair: Python's words, comments, strings put together with "+", and much else. Undefined where it fails too. */
export function repaired(json: string): { readonly value: unknown } | undefined {
  if (json.length > mostMended) return undefined;
  try {
    const value: unknown = JSON.parse(jsonrepair(json));
    return { value };
  } catch {
    // Not JSON to jsonrepair either, or nested so deeply that its recursion ran out of stack.
    return undefined;
  }
}
