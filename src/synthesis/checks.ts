/** Whether a passage can be a hard negative at all, whoever wrote it. Whether it answers the query is for the judge to say. */
import { documentText, type Document } from "../domain/collection.ts";
import type { DraftFlaw, DraftNote } from "../domain/draft.ts";
import { languageMismatch } from "./language.ts";
import { containsRun, isUnspaced, overlap, shinglesOf, unitsOf, wordCount } from "./overlap.ts";
import { repetitionIn } from "./repetition.ts";
import { taskTalk } from "./talk.ts";

/** Words below which a text is no passage, whatever the positive: a heading or half a sentence. */
const fewestWords = 8;
/**
 * Length over the positive's, in words. The prompts ask for about the same length; beyond these bounds length alone tells
 * the two apart, and the encoder would learn that.
 */
const shortest = 0.4;
const longest = 2.5;
/** Up to this many words a positive is so short that no ratio means much: a passage may then have {@link mostForShort}. */
const shortPositive = 20;
const mostForShort = 60;
/** Words of a positive that count for the lower bound: an encoder reads 512 tokens, and an answer has room for not much more. */
const mostCounted = 400;

/**
 * Copies of the positive, by word triples. Neighbouring paragraphs of one article share .08 or less in 99 of 100 cases
 * (SQuAD), an edit of every fourth word leaves .4 or less. The first two bounds are for parts of the positive, the third
 * for the positive with more around it.
 */
const copy = { contained: 0.6, jaccard: 0.5, contains: 0.8 } as const;
/** Copies of other documents: a rewritten one may keep more, since its words are not the answer's. */
const copyOfDocument = 0.7;
/** Triples below which shares are too coarse. */
const enoughTriples = 6;

/** Queries of fewer words stand in every text on the topic. */
const longQuery = 4;
/** The query in other order or with a word more: share of common words, and how much longer the passage may be. */
const sameAsQuery = { jaccard: 0.8, longer: 1.5, words: 3 } as const;

/** Share of letters below which a text is no prose: of SciFact's abstracts 99 % have .84 or more and none less than .44. */
const fewestLetters = 0.3;

/** Characters from space to space above which words were run together; German prose has 7. */
const longestRun = 25;

export interface Passage {
  readonly title: string;
  readonly text: string;
}

export interface CheckInput {
  readonly query: string;
  readonly positive: Document;
  readonly passage: Passage;
  /** Documents of the collection that may have been copied. */
  readonly similar: readonly Document[];
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
const note = (flaw: DraftFlaw, text: string): DraftNote => ({ flaw, text });

/** What the checks know of the passage and of the positive. */
interface Compared extends CheckInput {
  readonly units: readonly string[];
  readonly triples: ReadonlySet<string>;
  readonly words: number;
}

function speaksOfTask({ query, positive, passage }: Compared): DraftNote | undefined {
  const words = taskTalk(passage.text, `${query}\n${documentText(positive)}`);
  return words === undefined ? undefined : note("talksAboutTask", `Speaks of the task: “${words}”.`);
}

/** Share of a text's characters, spaces aside, that are letters. */
const letterShare = (text: string) =>
  (text.match(/\p{L}/gu)?.length ?? 0) / Math.max(1, text.match(/\S/gu)?.length ?? 0);

/** Characters from one space to the next, on average. */
const runLength = (text: string) => text.length / (text.match(/\s+/g) ?? [""]).length;

function isWritten({ positive, passage, units }: Compared): DraftNote | undefined {
  const { text } = passage;
  const theirs = documentText(positive);
  const share = letterShare(text);
  if (share < fewestLetters && letterShare(theirs) >= fewestLetters)
    return note("unreadable", `Only ${percent(share)} of its characters are letters.`);
  const stuck = text.length > 4 * longestRun && runLength(text) > longestRun && !isUnspaced(units);
  return stuck && runLength(theirs) <= longestRun
    ? note("unreadable", `It has a space after every ${Math.round(runLength(text))} characters only.`)
    : undefined;
}

function repeats({ passage }: Compared): DraftNote | undefined {
  const what = repetitionIn(passage.text);
  return what === undefined ? undefined : note("repetition", what);
}

function copiesPositive({ positive, units, triples }: Compared): DraftNote | undefined {
  const whole = unitsOf(documentText(positive));
  const theirs = shinglesOf(whole);
  if (triples.size < enoughTriples || theirs.size < enoughTriples) {
    return containsRun(whole, units) || (whole.length >= fewestWords && containsRun(units, whole))
      ? note("copiesPositive", "Has the same words as the positive.")
      : undefined;
  }
  const { contained, contains, jaccard } = overlap(triples, theirs);
  if (contained >= copy.contained || jaccard >= copy.jaccard)
    return note("copiesPositive", `Shares ${percent(contained)} of its word triples with the positive.`);
  if (contains >= copy.contains)
    return note("copiesPositive", `Has ${percent(contains)} of the positive's word triples.`);
  return undefined;
}

function copiesQuery({ query, units, words }: Compared): DraftNote | undefined {
  const asked = unitsOf(query);
  const length = wordCount(asked);
  if (length >= longQuery && containsRun(units, asked))
    return note("copiesQuery", `Has the query's ${length} words as they stand.`);
  const { jaccard } = overlap(new Set(units), new Set(asked));
  const asShort = words <= sameAsQuery.longer * length + sameAsQuery.words;
  return asShort && jaccard >= sameAsQuery.jaccard
    ? note("copiesQuery", `Shares ${percent(jaccard)} of all words with the query.`)
    : undefined;
}

function copiesDocument({ positive, similar, triples }: Compared): DraftNote | undefined {
  if (triples.size < enoughTriples) return undefined;
  const shares = similar
    .filter(({ id }) => id !== positive.id)
    .map((document) => ({
      id: document.id,
      share: overlap(triples, shinglesOf(unitsOf(documentText(document)))).contained,
    }))
    .toSorted((a, b) => b.share - a.share);
  const [most] = shares;
  return most && most.share >= copyOfDocument
    ? note("copiesDocument", `Shares ${percent(most.share)} of its word triples with document ${most.id}.`)
    : undefined;
}

function otherLanguage({ positive, passage }: Compared): DraftNote | undefined {
  const what = languageMismatch(passage.text, positive.text === "" ? positive.title : positive.text);
  return what === undefined ? undefined : note("otherLanguage", what);
}

function lengthFits({ positive, words }: Compared): DraftNote | undefined {
  const reference = wordCount(unitsOf(positive.text === "" ? positive.title : positive.text));
  const compared = `${words} words, the positive has ${reference}`;
  if (words < fewestWords) return note("tooShort", `${compared}; fewer than ${fewestWords} are no passage.`);
  const least = reference < shortPositive ? 0 : shortest * Math.min(reference, mostCounted);
  if (words < least) return note("tooShort", `${compared}; at least ${Math.ceil(least)} are wanted.`);
  const most = longest * reference;
  const bound = reference < shortPositive ? Math.max(most, mostForShort) : most;
  return words > bound ? note("tooLong", `${compared}; at most ${Math.floor(bound)} are wanted.`) : undefined;
}

/** In the order in which the reasons are told: what the passage is comes before how long it is. */
const checks = [
  isWritten,
  speaksOfTask,
  repeats,
  copiesPositive,
  copiesQuery,
  copiesDocument,
  otherLanguage,
  lengthFits,
];

/** Every reason why the passage cannot be a negative of the query; empty where there is none. */
export function checkPassage(input: CheckInput): DraftNote[] {
  const units = unitsOf(input.passage.text);
  if (units.length === 0) return [note("empty", "The passage has no words.")];
  const compared = { ...input, units, triples: shinglesOf(units), words: wordCount(units) };
  return checks.flatMap((check) => check(compared) ?? []);
}
