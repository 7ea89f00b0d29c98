/**
 * The words that BM25 counts: Lucene's EnglishAnalyzer, as Anserini and Pyserini use it by default. In its order: Unicode
 * word breaks (UAX 29), the possessive 's taken off, lower case, Lucene's 33 English stop words left out, Porter's stemmer.
 */
import { stemmer } from "stemmer";

/** Combining marks and format characters belong to the character before them (UAX 29, WB4). */
const marks = String.raw`[[\p{M}\p{Cf}]--[\u{200B}]]*`;
/** Scripts written without spaces: a run of them is one word, as in Lucene. */
const southeastAsian = String.raw`\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}`;
const letter = String.raw`[[\p{Alphabetic}\u{5F3}]--[\p{M}\p{Ideographic}\p{sc=Hira}\p{sc=Kana}\u{30FC}\u{FF70}${southeastAsian}]]`;
const digit = String.raw`[\p{Nd}\u{66B}]`;
const katakana = String.raw`[\p{sc=Kana}\u{3031}-\u{3035}\u{30FC}\u{FF70}]`;
const underscore = String.raw`[\p{Pc}\u{202F}]`;
const underscoresOnly = new RegExp(`^${underscore}+$`, "v");
/** MidNumLet and Single_Quote: between two letters or two digits. */
const midAny = String.raw`.'\u{2018}\u{2019}\u{2024}\u{FE52}\u{FF07}\u{FF0E}`;
/** MidLetter, with the colon that Unicode 15.1 took out and Lucene keeps. */
const midLetter = String.raw`[:\u{B7}\u{387}\u{5F4}\u{2027}\u{FE13}\u{FE55}\u{FF1A}${midAny}]${marks}`;
/** MidNum. */
const midDigit = String.raw`[,;\u{37E}\u{589}\u{60C}\u{60D}\u{66C}\u{7F8}\u{2044}\u{FE10}\u{FE14}\u{FE50}\u{FE54}\u{FF0C}\u{FF1B}${midAny}]${marks}`;

const letters = `(?:${letter}${marks})+`;
const digits = `(?:${digit}${marks})+`;
const lettersAndDigits = `(?:${letters}(?:${midLetter}${letters})*|${digits}(?:${midDigit}${digits})*)+`;
const part = `(?:${lettersAndDigits}|(?:${katakana}${marks})+)`;
const emoji = String.raw`\p{ExtPict}[\p{M}\p{Cf}\p{EMod}]*`;

/** Every word of a text. Unlike Lucene's StandardTokenizer it has no special case for quotes in Hebrew and for keycaps. */
const words = new RegExp(
  [
    `${underscore}*${part}(?:${underscore}+${part})*${underscore}*`,
    // Not a word: taken here all the same, so that a ruled line is not tried again from each of its underscores.
    `${underscore}+`,
    String.raw`[\p{Ideographic}\p{sc=Hira}]${marks}`,
    String.raw`[[${southeastAsian}]&&[\p{L}\p{M}]]+`,
    String.raw`${emoji}(?:(?<=\u{200D})${emoji})*|\p{RI}{2}`,
  ].join("|"),
  "gv",
);

const possessive = /['\u2019\uFF07][sS]$/;

/** org.apache.lucene.analysis.en.EnglishAnalyzer.ENGLISH_STOP_WORDS_SET */
const stopWords = new Set(
  (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this " +
    "to was will with"
  ).split(" "),
);

/** Words that are a suffix and nothing else: here Lucene follows Porter's text, and the package does not. */
const bareSuffixes: ReadonlyMap<string, string> = new Map([
  ["eed", "eed"],
  ["eeds", "eed"],
  ["ies", "i"],
  ["sses", "ss"],
]);

const ascii = /^[\0-\x7F]*$/;

/** Character by character, as Java's Character.toLowerCase does it: no final sigma, and İ becomes i. */
function lowerCase(word: string): string {
  if (ascii.test(word)) return word.toLowerCase();
  return Array.from(word, (character) => String.fromCodePoint(character.toLowerCase().codePointAt(0) ?? 0)).join("");
}

/** Empty for a stop word. */
function termOf(word: string): string {
  if (underscoresOnly.test(word)) return "";
  const lower = lowerCase(word.replace(possessive, ""));
  return stopWords.has(lower) ? "" : (bareSuffixes.get(lower) ?? stemmer(lower));
}

/** V8 keeps a whole text alive for a slice of it; this lets the text go. */
const detached = (text: string): string => ` ${text}`.slice(1);

const remembered = new Map<string, string>();
const mostRemembered = 1 << 16;

/** The terms of a text, in order and with repetitions: one string a word, stop words left out. */
export function analyse(text: string): string[] {
  const terms: string[] = [];
  for (const word of text.match(words) ?? []) {
    let term = remembered.get(word);
    if (term === undefined) {
      term = detached(termOf(word));
      if (remembered.size >= mostRemembered) remembered.clear();
      remembered.set(detached(word), term);
    }
    if (term !== "") terms.push(term);
  }
  return terms;
}
