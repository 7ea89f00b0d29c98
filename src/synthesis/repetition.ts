/** Whether a text goes round in circles, as small models do when they cannot find an end. */
import { quotable } from "./clean.ts";
import { isUnspaced, shinglesOf, unitsOf } from "./overlap.ts";

/** Share of runs of four words that are distinct: of 5,183 abstracts 99 % have .91 or more; tables in words have down to .53. */
const fewestDistinct = 0.5;
/** Below this many words the share is too coarse. */
const enoughForShare = 40;

/** Share of the text that one word may have: "the" has .07 in English prose, and up to .2 in a list of names. */
const mostOfOneWord = 0.3;
const enoughForOneWord = 20;

/** The same words again right after themselves, this often in all: twice may be style, three times is not. */
const rounds = 3;
/** Longest round that is looked for, in words. */
const longestRound = 40;
/** What a loop repeats must be at least this long in all: "no, no, no" is not a loop. */
const shortestLoop = { words: 4, characters: 12 } as const;

/** The same sentence, of at least `words` words, this often anywhere; long lists have a refrain, of a smaller share. */
const sameSentence = { times: 3, words: 4, share: 0.15 } as const;

const percent = (share: number) => `${Math.round(100 * share)} %`;

function mostFrequent(items: readonly string[]): readonly [item: string, times: number] {
  const counts = new Map<string, number>();
  let best: readonly [string, number] = ["", 0];
  for (const item of items) {
    const times = (counts.get(item) ?? 0) + 1;
    counts.set(item, times);
    if (times > best[1]) best = [item, times];
  }
  return best;
}

/** The first loop: `period` units that follow themselves at least {@link rounds} times. */
function loopIn(units: readonly string[], shortest: number): readonly string[] | undefined {
  for (let period = 1; period <= longestRound; period++) {
    // Units that equal the one a period before, in one run.
    let run = 0;
    for (let i = period; i < units.length; i++) {
      run = units[i] === units[i - period] ? run + 1 : 0;
      if (run >= Math.max((rounds - 1) * period, shortest)) return units.slice(i - period + 1, i + 1);
    }
  }
  return undefined;
}

function repeatedSentence(text: string): readonly [sentence: string, times: number] {
  const sentences = text
    .split(/[.!?。！？\n]+/u)
    .map((sentence) => unitsOf(sentence))
    .filter((units) => units.length >= sameSentence.words * (isUnspaced(units) ? 2 : 1));
  return mostFrequent(sentences.map((units) => units.join(" ")));
}

const mostQuoted = 60;

/** One character again and again, with or without spaces; rows of signs. Lines that are ruled in a text are shorter. */
const oneCharacter = /(\S)(?:\s?\1){29,}/u;
const signsOnly = /[^\p{L}\p{N}\p{M}]{40,}/u;

function rowIn(text: string): string | undefined {
  const [row, character] = oneCharacter.exec(text) ?? [];
  if (row !== undefined) return `Has “${character}” ${row.replaceAll(/\s/g, "").length} times in a row.`;
  const signs = signsOnly.exec(text)?.[0];
  return signs && `Has ${signs.length} signs in a row that are no letters: “${quotable(signs, 10)}”.`;
}

function loopOf(_: string, units: readonly string[]): string | undefined {
  const unspaced = isUnspaced(units);
  const loop = loopIn(units, unspaced ? shortestLoop.characters : shortestLoop.words);
  return loop && `Says “${quotable(loop.join(unspaced ? "" : " "), mostQuoted)}” again and again.`;
}

function sentenceOf(text: string, units: readonly string[]): string | undefined {
  const [sentence, times] = repeatedSentence(text);
  if (times < sameSentence.times || times * unitsOf(sentence).length < sameSentence.share * units.length)
    return undefined;
  return `Has the same sentence ${times} times: “${quotable(sentence, mostQuoted)}”.`;
}

function wordOf(_: string, units: readonly string[]): string | undefined {
  const [word, count] = mostFrequent(units);
  if (units.length < enoughForOneWord || count <= mostOfOneWord * units.length) return undefined;
  return `${percent(count / units.length)} of its words are “${quotable(word, mostQuoted)}”.`;
}

function fewRuns(_: string, units: readonly string[]): string | undefined {
  if (units.length < enoughForShare) return undefined;
  const distinct = shinglesOf(units, 4).size / (units.length - 3);
  return distinct < fewestDistinct ? `Only ${percent(distinct)} of its runs of four words are distinct.` : undefined;
}

/** What is repeated, as a sentence with the figures; undefined where nothing is. */
export function repetitionIn(text: string): string | undefined {
  const units = unitsOf(text);
  for (const look of [rowIn, loopOf, sentenceOf, wordOf, fewRuns]) {
    const found = look(text, units);
    if (found !== undefined) return found;
  }
  return undefined;
}
