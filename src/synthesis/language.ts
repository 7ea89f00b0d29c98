/**
 * Whether a passage is in another language than the positive: by script, and among Latin scripts by votes of function
 * words. Where it cannot be told, nothing is said.
 */
import { unitsOf } from "./overlap.ts";

/** Japanese mixes three scripts and Chinese has one of them, so Han and kana are counted apart. */
export const scripts: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Latin", /\p{sc=Latin}/u],
  ["Han", /\p{sc=Han}/u],
  ["kana", /[\p{sc=Hira}\p{sc=Kana}]/u],
  ["Cyrillic", /\p{sc=Cyrillic}/u],
  ["Greek", /\p{sc=Greek}/u],
  ["Arabic", /\p{sc=Arabic}/u],
  ["Hebrew", /\p{sc=Hebrew}/u],
  ["Hangul", /\p{sc=Hangul}/u],
  ["Devanagari", /\p{sc=Devanagari}/u],
  ["Bengali", /\p{sc=Bengali}/u],
  ["Tamil", /\p{sc=Tamil}/u],
  ["Telugu", /\p{sc=Telugu}/u],
  ["Thai", /\p{sc=Thai}/u],
  ["Georgian", /\p{sc=Georgian}/u],
  ["Armenian", /\p{sc=Armenian}/u],
  ["Ethiopic", /\p{sc=Ethiopic}/u],
];

/** Share of the letters above which scripts that the positive hardly has are more than names and quotations. */
const mostForeign = 0.12;
/** So many of them at once are nobody's names, however few their letters. */
const mostForeignScripts = 2;
/** Share of the positive's letters below which it hardly has a script. */
const hardlyAny = 0.02;
/** Below this many letters the shares are too coarse. */
const enoughLetters = 12;
/** Kana's share of Han and kana: at least .3 in Japanese prose, none in Chinese but in names. */
const japanese = 0.1;
/** Letters of a text that are looked at. */
const sampled = 20_000;

/**
 * The most frequent words of each language, about 30. Words that are frequent in several stand in each: what two languages
 * share gives neither the lead.
 */
export const lists = {
  English:
    "the of and to in a is that for it as was with be by on not this are or from at which an have has had they their were been but its can will when these than into",
  German:
    "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch",
  French:
    "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec son aux ou sa ses cette leur elle mais été ont ces comme l'on être d'un d'une qu'il c'est",
  Spanish:
    "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo esta ser son también fue había era muy hasta desde está",
  Italian:
    "di e che la il un a per è in una sono non si da le con del i della dei nel alla lo gli più come al anche ma delle ha dal su se nella o cui essere questo questa sua suo dalla degli tra quando",
  Portuguese:
    "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso são nas entre",
  Dutch:
    "de van een het en in is dat op te zijn met voor niet aan er om ook als dan maar bij of uit nog naar worden door over wordt heeft was deze tot zich hebben hij meer wel die geen werd onder kan",
} as const;

function byWord(): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const [name, list] of Object.entries(lists)) {
    for (const word of new Set(list.split(" "))) names.set(word, [...(names.get(word) ?? []), name]);
  }
  return names;
}

const functionWords = byWord();

/** Words below which no vote is held. */
const enoughWords = 15;
/** Share of the words that must be the winner's function words: English prose has .35 to .5, a text of names much less. */
const fewestVotes = 0.18;
/** The winner's votes over the second's: sister languages reach .7 of each other. */
const lead = 1.3;

/** The language of a text in Latin script, where the votes are clear. */
export function latinLanguage(text: string): string | undefined {
  const words = text.slice(0, sampled).match(/\p{L}+(?:['’]\p{L}+)?/gu) ?? [];
  if (words.length < enoughWords) return undefined;
  const votes = new Map<string, number>();
  // Capitals are names: "Los Angeles" and "El Paso" are no Spanish.
  for (const word of words) {
    for (const name of functionWords.get(word.replace("’", "'")) ?? []) votes.set(name, (votes.get(name) ?? 0) + 1);
  }
  const [first, second] = [...votes].toSorted(([, a], [, b]) => b - a);
  if (!first || first[1] < fewestVotes * words.length) return undefined;
  return first[1] >= lead * (second?.[1] ?? 0) ? first[0] : undefined;
}

/** Whether a text in Latin script ends in a function word of its language, as hardly any but one that was cut off does. */
export function endsInFunctionWord(text: string): boolean {
  const last = unitsOf(text.slice(-60)).at(-1) ?? "";
  const language = latinLanguage(text);
  return language !== undefined && (functionWords.get(last)?.includes(language) ?? false);
}

const otherScript = "another";
const scriptNames = [...scripts.map(([name]) => name), otherScript];

interface Letters {
  readonly total: number;
  readonly share: (script: string) => number;
}

function lettersOf(text: string): Letters {
  const counts = new Map<string, number>();
  let total = 0;
  for (const [letter] of text.slice(0, sampled).matchAll(/\p{L}/gu)) {
    const name = scripts.find(([, pattern]) => pattern.test(letter))?.[0] ?? otherScript;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    total += 1;
  }
  return { total, share: (script) => (counts.get(script) ?? 0) / Math.max(1, total) };
}

const percent = (share: number) => `${Math.round(100 * share)} %`;

function eastAsianLanguage({ share }: Letters): string | undefined {
  const both = share("Han") + share("kana");
  if (both < 0.5) return undefined;
  const kana = share("kana") / both;
  if (kana >= japanese) return "Japanese";
  return kana <= hardlyAny ? "Chinese" : undefined;
}

function foreignScript(passage: Letters, positive: Letters): string | undefined {
  const foreign = scriptNames
    .filter((name) => positive.share(name) < hardlyAny && passage.share(name) > 0)
    .toSorted((a, b) => passage.share(b) - passage.share(a));
  const share = foreign.reduce((sum, name) => sum + passage.share(name), 0);
  if (share <= mostForeign && foreign.length <= mostForeignScripts) return undefined;
  const which = foreign.slice(0, 3).join(", ");
  return `${percent(share)} of its letters are of scripts that the positive does not have (${which}).`;
}

/** In what the languages differ, as a sentence; undefined where they do not, or where it cannot be told. */
export function languageMismatch(passage: string, positive: string): string | undefined {
  const [ours, theirs] = [lettersOf(passage), lettersOf(positive)];
  if (ours.total < enoughLetters || theirs.total < enoughLetters) return undefined;
  const [asian, asianPositive] = [eastAsianLanguage(ours), eastAsianLanguage(theirs)];
  if (asian && asianPositive && asian !== asianPositive) return `It is in ${asian}, the positive in ${asianPositive}.`;
  const foreign = foreignScript(ours, theirs);
  if (foreign) return foreign;
  const expected = latinLanguage(positive);
  if (expected === undefined) return undefined;
  const middle = Math.floor(passage.length / 2);
  // By halves too: a model that slips into another language does so on the way.
  const found = [passage, passage.slice(0, middle), passage.slice(middle)].map(latinLanguage);
  const other = found.find((language) => language !== undefined && language !== expected);
  return other && `It is in ${other}, the positive in ${expected}.`;
}
