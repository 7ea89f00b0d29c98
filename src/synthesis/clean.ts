/** What has no place in a passage is taken out: control and invisible characters, chat-template marks, light Markdown. */

/** Share of unreadable characters above which a text is not worth mending, and how many there must be. */
const mostUnreadable = 0.02;
const fewestUnreadable = 3;

/** Control characters but for line ends and tabs, lone surrogates, non-characters, private use, the replacement character. */
const unreadable = /[[\p{Cc}--[\t\n\r]]\p{Cs}\p{Co}\p{NChar}\u{FFFD}]/gv;

/** Zero-width space, word joiner, byte-order mark, soft hyphen, direction overrides and isolates, tag characters. */
export const invisible =
  /[\u{200B}\u{2060}-\u{2064}\u{FEFF}\u{AD}\u{202A}-\u{202E}\u{2066}-\u{206F}\u{180E}\u{FFF9}-\u{FFFB}\u{E0000}-\u{E007F}]/gu;
/** Joiners shape letters in Arabic and Indic scripts and put emoji together; elsewhere they hide. */
export const joined = String.raw`\p{sc=Arabic}\p{M}\p{sc=Devanagari}\p{sc=Bengali}\p{sc=Malayalam}\p{sc=Sinhala}\p{Extended_Pictographic}\p{EMod}`;
const joiner = new RegExp(String.raw`(?<![${joined}])[\u{200C}\u{200D}]`, "gu");

/** Marks by which chat templates and tokenizers tell turns apart: Qwen, Llama, Gemma, Mistral, Phi, DeepSeek, byte tokens. */
export const templateMark =
  /<[|｜][^<>|｜\n]{1,40}[|｜]>|<\/?s>|<(?:bos|eos|pad|unk|mask)>|<\/?(?:start|end)_of_turn>(?:model|user)?|\[\/?(?:INST|SYS|PAD|UNK|CLS|SEP|MASK)\]|<<\/?SYS>>|<0x[0-9A-F]{2}>|<\/?(?:answer|response|output|result|final|passage|document|hard_negative(?:_document)?|think|thinking)>/giu;

export const markup: readonly (readonly [RegExp, string])[] = [
  // A heading over the text is not part of it; one without text below is all there is.
  [/^[ \t]{0,3}(?:#{1,6}[ \t]{1,4}[^\n]{1,150}|\*\*[^*\n]{1,150}\*\*[ \t]{0,4})\n\s{0,20}(?=\S)/gmu, ""],
  [/^[ \t]{0,3}#{1,6}[ \t]{1,4}/gmu, ""],
  [/^[ \t]{0,6}[-*+•▪‣][ \t]{1,4}(?=\S)/gmu, ""],
  [/^[ \t]{0,3}>[ \t]{0,4}/gmu, ""],
  [/^[ \t]{0,3}(?:[-*_][ \t]?){3,20}$/gmu, ""],
  [/```[a-z]{0,12}/giu, ""],
  [/\*\*\*?([^*\n]{1,400})\*\*\*?/gu, "$1"],
  [/(?<!\w)__([^_\n]{1,400})__(?!\w)/gu, "$1"],
  [/(?<![\w*])\*([^*\s\n](?:[^*\n]{0,200}[^*\s\n])?)\*(?![\w*])/gu, "$1"],
  [/`([^`\n]{1,200})`/gu, "$1"],
  [/\[([^[\]\n]{1,200})\]\((?:https?:|\/|#)[^()\s]{1,300}\)/giu, "$1"],
  [/<\/?(?:p|br|b|i|em|strong|div|span|ul|ol|li|h[1-6])(?:\s[^<>]{0,100})?\/?>/giu, " "],
];

/** White space that was escaped twice: a backslash and an n, as two characters. A formula's "\nu" stays. */
export const doubleEscapes: readonly (readonly [RegExp, string])[] = [
  [/\\[nrt](?![a-z])/gu, " "],
  [/\\(?=["'])/gu, ""],
];

export const entities: readonly (readonly [RegExp, string])[] = [
  [/&nbsp;/giu, " "],
  [/&quot;|&#34;/giu, '"'],
  [/&#39;|&apos;/giu, "'"],
  [/&lt;/giu, "<"],
  [/&gt;/giu, ">"],
  [/&amp;/giu, "&"],
];

/** A label in front of the passage: the key's name, or "Title:". */
export const label =
  /^\s{0,9}["'*_#]{0,3}(?:(?:final |revised |rewritten )?(?:hard[-_ ]?negative(?:[-_ ](?:document|passage|text))?|negative (?:document|passage)|passage|document|text|answer|output|response))["'*_]{0,3}\s{0,3}[:：]["'*_]{0,3}\s{0,9}/iu;

/** A count that some models add: "(120 words)", "Word count: 120". */
export const wordCountAtEnd =
  /\s{0,9}(?:\(\d{1,4} words\)|\[\d{1,4} words\]|\(?word count: ?\d{1,4}(?: words)?\)?)\.?\s{0,9}$/iu;

/** Quotation marks around all of it. */
export const quotedWhole = /^\s{0,9}["“«„]([^"“”«»„]{1,100000})["”»“]\s{0,9}$/u;

export interface Cleaned {
  readonly text: string;
  /** What was taken out, in words: "3 unreadable characters", "Markdown". Empty where nothing was. */
  readonly removed: readonly string[];
  /** So much of it was unreadable that the rest is not worth keeping. */
  readonly spoilt: boolean;
}

/** At most `most` characters, none of them half a pair. */
export const startOf = (text: string, most: number): string =>
  text
    .slice(0, most)
    .replace(/\p{Cs}$/u, "")
    .trim();

/** The start of a text, fit to be quoted in a sentence. */
export function quotable(text: string, most: number): string {
  const start = text.slice(0, most).replaceAll(/[\p{Cc}\p{Cs}]/gu, " ");
  return (text.length > most ? `${start.trimEnd()}…` : start).trim();
}

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;
const replaced = (text: string, steps: readonly (readonly [RegExp, string])[]) =>
  steps.reduce((before, [pattern, by]) => before.replaceAll(pattern, by), text);

/** White space is folded into single spaces: a passage is one paragraph, and this needs no note. */
export function clean(text: string): Cleaned {
  const removed: string[] = [];
  const take = (what: string, after: string, before: string) => {
    if (after !== before) removed.push(what);
    return after;
  };
  const bad = count(text, unreadable);
  const hidden = count(text, invisible) + count(text, joiner);
  let rest = text.replaceAll(unreadable, "").replaceAll(invisible, "").replaceAll(joiner, "");
  if (bad > 0) removed.push(`${bad} unreadable character${bad === 1 ? "" : "s"}`);
  if (hidden > 0) removed.push(`${hidden} invisible character${hidden === 1 ? "" : "s"}`);
  rest = take("chat-template marks", rest.replaceAll(templateMark, " "), rest);
  rest = take("escapes", replaced(rest, doubleEscapes), rest);
  rest = take("a label", rest.replace(label, ""), rest);
  rest = take("a word count", rest.replace(wordCountAtEnd, ""), rest);
  rest = take("Markdown", replaced(rest, markup), rest);
  rest = take("quotation marks around it", rest.replace(quotedWhole, "$1"), rest);
  rest = take("HTML entities", replaced(rest, entities), rest);
  const spoilt = bad >= fewestUnreadable && bad > mostUnreadable * text.length;
  return { text: rest.replaceAll(/\s+/g, " ").trim(), removed, spoilt };
}
