/**
 * First part of making an encoder: its vocabulary, and every training text as token ids in flat binary files that a
 * numerical program reads without a tokenizer of its own. Words become ids by the page's tokenizer. The files:
 *
 *   tokenizer.json
 *   tokens.u16     token ids of all texts, back to back, no special tokens
 *   texts.i32      (texts, 2) first token and the one after the last
 *   documents.i32  (documents, 7) source, group, title's text or −1, first sentence, sentences, first question, questions
 *   sources.json   names of the sources, and their counts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import { sourcesUnder, type Source, type SourceDocument } from "./sources.ts";
import { wordPieceJson } from "./tokenizer.ts";
import { trainVocabulary, wordCounts } from "./vocabulary.ts";

/** Letters that are seen less often become [UNK]. */
const RARE = 40;
const LONGEST_TITLE = 24;
const LONGEST_QUESTION = 64;
const LONGEST_DOCUMENT = 2048;

/** Int32 numbers that grow. */
class Numbers {
  #values = new Int32Array(1 << 20);
  length = 0;
  push(...numbers: readonly number[]): void {
    if (this.length + numbers.length > this.#values.length) {
      const longer = new Int32Array(2 * this.#values.length + numbers.length);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values.set(numbers, this.length);
    this.length += numbers.length;
  }
  all(): Int32Array<ArrayBuffer> {
    return this.#values.slice(0, this.length);
  }
}

/** After a full stop, a question mark or an exclamation mark, where a capital or a digit goes on. */
const sentencesOf = (text: string): string[] => text.split(/(?<=[.!?]["')\]]*)\s+(?=["'([]?[A-Z0-9])/u);

/** BERT's pre-tokenizer never joins across a space, so the ids of a text are those of its words, which are known soon. */
function wordwise(tokenizer: Tokenizer): (text: string, longest: number) => number[] {
  const known = new Map<string, number[]>();
  return (text, longest) => {
    const ids: number[] = [];
    for (const word of text.split(/\s+/u)) {
      if (ids.length >= longest) break;
      let own = known.get(word);
      if (!own) known.set(word, (own = tokenizer.encode(word, LONGEST_DOCUMENT).slice(1, -1)));
      ids.push(...own);
    }
    return ids.slice(0, longest);
  };
}

class Writer {
  readonly tokens = new Numbers();
  readonly texts = new Numbers();
  readonly documents = new Numbers();
  readonly #encode: ReturnType<typeof wordwise>;
  constructor(tokenizer: Tokenizer) {
    this.#encode = wordwise(tokenizer);
  }

  /** Number of the text; −1 for one without a token. */
  #text(text: string, longest: number): number {
    const ids = this.#encode(text, longest);
    if (ids.length === 0) return -1;
    this.texts.push(this.tokens.length, this.tokens.length + ids.length);
    this.tokens.push(...ids);
    return this.texts.length / 2 - 1;
  }

  add(source: number, group: number, { title, text, questions }: SourceDocument): void {
    const titleText = this.#text(title, LONGEST_TITLE);
    const firstSentence = this.texts.length / 2;
    const before = this.tokens.length;
    for (const sentence of sentencesOf(text)) {
      const room = LONGEST_DOCUMENT - (this.tokens.length - before);
      if (room > 0) this.#text(sentence, room);
    }
    const firstQuestion = this.texts.length / 2;
    for (const question of questions) this.#text(question, LONGEST_QUESTION);
    const sentences = firstQuestion - firstSentence;
    const asked = this.texts.length / 2 - firstQuestion;
    this.documents.push(source, group, titleText, firstSentence, sentences, firstQuestion, asked);
  }
}

async function vocabularyOf(sources: readonly Source[], entries: number): Promise<string[]> {
  const counts = new Map<string, number>();
  for (const { weight, documents } of sources) {
    const own = new Map<string, number>();
    for await (const { title, text, questions } of documents()) {
      for (const [word, count] of wordCounts([title, text, ...questions])) own.set(word, (own.get(word) ?? 0) + count);
    }
    for (const [word, count] of own) counts.set(word, (counts.get(word) ?? 0) + Math.round(weight * count));
  }
  return trainVocabulary(counts, entries, RARE);
}

/** Reads the collections under `data` and writes the files to `directory`; the vocabulary has `entries` pieces. */
export async function prepare(data: string, directory: string, entries: number): Promise<void> {
  const sources = sourcesUnder(data);
  mkdirSync(directory, { recursive: true });
  const vocabulary = await vocabularyOf(sources, entries);
  const tokenizer = JSON.stringify(wordPieceJson(vocabulary));
  const write = (name: string, content: string | Uint8Array) => writeFileSync(path.join(directory, name), content);
  write("tokenizer.json", `${tokenizer}\n`);
  const writer = new Writer(createTokenizer({ tokenizer }));
  const groups = new Map<string, number>();
  const counts: Record<string, number> = {};
  for (const [number, { name, documents }] of sources.entries()) {
    const before = [writer.tokens.length, writer.documents.length] as const;
    for await (const document of documents()) {
      const key = `${name} ${document.group}`;
      const group = groups.get(key) ?? groups.size;
      groups.set(key, group);
      writer.add(number, group, document);
    }
    counts[`${name} documents`] = (writer.documents.length - before[1]) / 7;
    counts[`${name} tokens`] = writer.tokens.length - before[0];
    console.log(name, counts);
  }
  write("tokens.u16", new Uint8Array(Uint16Array.from(writer.tokens.all()).buffer));
  write("texts.i32", new Uint8Array(writer.texts.all().buffer));
  write("documents.i32", new Uint8Array(writer.documents.all().buffer));
  write(
    "sources.json",
    `${JSON.stringify({ names: sources.map(({ name }) => name), vocabulary: vocabulary.length, counts })}\n`,
  );
}
