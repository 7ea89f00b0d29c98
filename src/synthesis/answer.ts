/** What a model answered, read as a draft: the passage in it, what had to be mended, and why it is turned down. */
import type { Document } from "../domain/collection.ts";
import type { Draft, DraftFlaw, DraftNote } from "../domain/draft.ts";
import type { Reasoning } from "../domain/negative.ts";
import { checkPassage, type Passage } from "./checks.ts";
import { clean, quotable, startOf } from "./clean.ts";
import { endsInFunctionWord } from "./language.ts";
import { isEcho } from "./echo.ts";
import { locate, type Located } from "./located.ts";
import { unitsOf, wordCount } from "./overlap.ts";
import { readProse } from "./prose.ts";
import { jsonIn, lookedAt, notesOn, withoutThinking, type Finish, type FoundJson } from "./readJson.ts";
import { refuses } from "./refusal.ts";
import { endsSentence } from "./repair.ts";
import { taskTalk } from "./talk.ts";

/** Most characters of a title and of a sentence of the reflection; more is not what was asked for. */
const longestTitle = 300;
const longestNote = 2000;
/** Share of a passage that must stand before a sentence that breaks off, and words: what is left is a passage still. */
const leastKept = 0.5;
const fewestWords = 8;

export interface AnswerRead {
  /** Missing where nothing could be read. A rejected answer may have one too, to be shown. */
  readonly passage?: Passage & { readonly reasoning?: Reasoning };
  /** What was mended; where rejected, the reason first. */
  readonly notes: readonly DraftNote[];
  readonly rejected: boolean;
}

type Found = Located & { readonly json: FoundJson };

const note = (flaw: DraftFlaw, text: string): DraftNote => ({ flaw, text });
const reject = (flaw: DraftFlaw, text: string, passage?: Passage): AnswerRead => ({
  ...(passage && { passage }),
  notes: [note(flaw, text)],
  rejected: true,
});

/** The first object that holds a passage, best under the right key; else the first that tells most about what is wrong. */
function bestIn(answer: string, finish: Finish): Found | undefined {
  let other: Found | undefined;
  for (const json of jsonIn(answer, finish)) {
    const found: Found = { ...locate(json.value), json };
    if (found.kind === "passage" && found.exact) return found;
    if (
      !other ||
      (found.kind === "passage" && other.kind !== "passage") ||
      (other.kind === "nothing" && found.kind !== "nothing")
    )
      other = found;
  }
  return other;
}

/** A passage that breaks off in mid-sentence keeps its whole sentences; undefined where too little is left. */
function wholeSentences(text: string): string | undefined {
  const breaksOff = !endsSentence(text) && (/[,;:([{–—-]$/u.test(text) || endsInFunctionWord(text));
  if (!breaksOff) return text;
  const last = [...text.matchAll(/[.!?。！？]["'”’»）)\]」』]{0,3}(?=\s|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}])/gu)].at(-1);
  const kept = last ? text.slice(0, last.index + last[0].length) : "";
  return kept.length >= leastKept * text.length && wordCount(unitsOf(kept)) >= fewestWords ? kept : undefined;
}

function cleanTitle(written: string): { readonly title: string; readonly removed: readonly string[] } {
  const { text, removed } = clean(written);
  const title = startOf(text.replace(/^["'“”]+|["'“”]+$/g, ""), longestTitle);
  if (title === "") return { title, removed };
  return isEcho(title) || taskTalk(title) !== undefined
    ? { title: "", removed: [...removed, "a title that is none"] }
    : { title, removed };
}

function cleanReasoning({ positive, shares, lacks }: Reasoning): Reasoning {
  const short = (text: string) => startOf(clean(text).text, longestNote);
  return { positive: short(positive), shares: short(shares), lacks: short(lacks) };
}

/** A passage's own words, whatever they stood in: cleaned, and turned down for what they are. */
function readPassage(written: Passage, mended: readonly DraftNote[], reasoning: Reasoning | undefined): AnswerRead {
  const { text, removed, spoilt } = clean(written.text);
  const named = cleanTitle(written.title);
  const { title } = named;
  if (unitsOf(text).length === 0) return reject("empty", "There is nothing in the passage.");
  if (spoilt) return reject("unreadable", `The passage is spoilt: it has ${removed[0] ?? "unreadable characters"}.`);
  if (refuses(text)) return reject("refusal", "The model refused.", { title, text });
  if (isEcho(text)) return reject("echo", "The instructions came back instead of a passage.", { title, text });
  const whole = wholeSentences(text);
  if (whole === undefined) return reject("truncated", "The passage breaks off in mid-sentence.", { title, text });
  const taken = [
    ...new Set([...removed, ...named.removed, ...(whole === text ? [] : ["a last sentence that breaks off"])]),
  ];
  return {
    passage: { title, text: whole, ...(reasoning && { reasoning: cleanReasoning(reasoning) }) },
    notes: [...mended, ...(taken.length > 0 ? [note("cleaned", `Taken out: ${taken.join(", ")}.`)] : [])],
    rejected: false,
  };
}

/** JSON's own punctuation between quotes: two strings were taken for one. */
const seam = /["'”]\s{0,9}[:：=+]\s{0,9}["'“]|["”]\s{0,9},\s{0,9}["“][\w ]{1,40}["”]\s{0,9}:/u;

/** A quote at the end that has no partner, left over from mending. */
function withoutOddQuote(text: string): string {
  const odd = (text.match(/"/g) ?? []).length % 2 === 1;
  return odd ? text.replace(/(?<=[.!?。…])"\s{0,9}$/u, "") : text;
}

function fromJson(found: Extract<Found, { kind: "passage" }>, reflection: boolean): AnswerRead {
  const { json, title, exact, reasoning } = found;
  const text = json.by === "strict" ? found.text : withoutOddQuote(found.text);
  // Among quotes that were not escaped, and to jsonrepair, a string's end is a guess: one that does not end like a
  // sentence may be half of it.
  const guessed = json.by === "jsonrepair" || (json.by === "lenient" && /["'“”]/.test(text));
  const unsure = guessed && !endsSentence(text);
  if (unsure || (json.by !== "strict" && seam.test(text)))
    return reject("unreadable", "The JSON is broken, and where the passage ends cannot be told.");
  const mended = notesOn(json);
  if (!exact) mended.push(note("wrongKey", "The passage did not stand as text under its own key."));
  if (reflection && !reasoning) mended.push(note("wrongKey", "The reflection is missing or not whole."));
  return readPassage({ title, text }, mended, reasoning);
}

function fromProse(answer: string, finish: Finish): AnswerRead {
  const prose = readProse(answer);
  if (finish === "length" && !prose?.ended)
    return reject("truncated", "The answer was cut off before the passage was whole.");
  if (!prose) return reject("unreadable", "There is no JSON in the answer, and no passage either.");
  return readPassage(prose, [note("wrapped", "The passage stood alone, without JSON.")], undefined);
}

const keyInQuotes = /[\p{L}_]["'”]\s{0,3}:/u;

/** Why there is no passage. */
function withoutPassage(told: string, finish: Finish, found: Found | undefined): AnswerRead {
  if (refuses(told)) return reject("refusal", "The model refused.");
  if (found?.kind === "echo") return reject("echo", "The schema or the instructions came back instead of a passage.");
  if (finish === "length" || (found?.json.cut === true && keyInQuotes.test(told)))
    return reject("truncated", "The answer was cut off before the passage was whole.");
  return withoutText(told, found);
}

/** Of an answer that is whole. */
function withoutText(told: string, found: Found | undefined): AnswerRead {
  const bare = /^\s*(?:\{\s*\}|\[\s*\])\s*$/.test(told);
  if (found?.kind === "empty" || bare) return reject("empty", "There is nothing in the answer's JSON.");
  if (found?.kind === "nothing" && found.keys.length > 0)
    return reject(
      "unreadable",
      `The JSON has no passage. Its keys: ${quotable(found.keys.slice(0, 8).join(", "), 200)}.`,
    );
  return reject("unreadable", "There is no JSON with a passage in the answer.");
}

/**
 * The passage in an answer, read and mended; the collection and the query are not looked at. Never throws. At most the
 * first 100,000 characters count.
 */
export function readAnswer(
  answer: string,
  finish: Finish,
  { reflection }: { readonly reflection: boolean },
): AnswerRead {
  if (answer.trim() === "") return reject("empty", "The answer is empty.");
  const whole = answer.length > lookedAt ? "length" : finish;
  const found = bestIn(answer, whole);
  if (found?.kind === "passage") return fromJson(found, reflection);
  const { text, unfinished } = withoutThinking(answer.slice(0, lookedAt));
  const nothingButProse = !found && !reflection && !unfinished && !/^\s*[{[]/.test(text);
  return nothingButProse && !refuses(text) ? fromProse(text, whole) : withoutPassage(text, whole, found);
}

export interface AnswerInput {
  readonly answer: string;
  readonly finish: Finish;
  readonly reflection: boolean;
  readonly query: string;
  readonly positive: Document;
  /** Documents of the collection that the passage may have been copied from. */
  readonly similar: readonly Document[];
}

export interface AnswerJudged extends Pick<Draft, "outcome" | "notes" | "title" | "text"> {
  readonly reasoning?: Reasoning;
}

/** Puts together what {@link readAnswer} and {@link checkPassage} found. */
export function outcomeOf({ passage, notes, rejected }: AnswerRead, flaws: readonly DraftNote[]): AnswerJudged {
  const turnedDown = rejected || flaws.length > 0;
  return {
    outcome: turnedDown ? "rejected" : notes.length > 0 ? "repaired" : "accepted",
    notes: [...flaws, ...notes],
    title: passage?.title ?? "",
    text: passage?.text ?? "",
    ...(passage?.reasoning && { reasoning: passage.reasoning }),
  };
}

/** A title where the positive has none would tell the two apart. */
export function withTitleLike(positive: Pick<Document, "title">, read: AnswerRead): AnswerRead {
  if (!read.passage || read.rejected || positive.title !== "" || read.passage.title === "") return read;
  return {
    ...read,
    passage: { ...read.passage, title: "" },
    notes: [...read.notes, note("cleaned", "Taken out: the title, since the positive has none.")],
  };
}

/** Reads an answer and checks its passage. Never throws. */
export function judgeAnswerText(input: AnswerInput): AnswerJudged {
  const { answer, finish, reflection, query, positive, similar } = input;
  const read = withTitleLike(positive, readAnswer(answer, finish, { reflection }));
  const flaws = read.passage && !read.rejected ? checkPassage({ query, positive, passage: read.passage, similar }) : [];
  return outcomeOf(read, flaws);
}
