/**
 * Articles of Wikipedia as Markdown files, one each, as github.com/chinapedia/wikipedia.abstract.en holds them: paragraphs
 * and headings on lines of their own, separated by empty ones; what follows the text (references, links) has known headings.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { SourceDocument } from "./sources.ts";

/** Rows of results and rosters rather than prose. */
const TABLES =
  /^["\d]|season|championship|election|list of|lists of|tour |league|cup\b|olympics|games\b|discography|athletics|football|results|squads|at the \d/iu;
const AFTER_THE_TEXT =
  /^(?:see also|references|external links|notes|further reading|bibliography|sources|gallery|footnotes)$/iu;
/** Words of a paragraph that is prose, and of a passage that is full. */
const SHORTEST = 20;
const FULL = 100;
const LONGEST_HEADING = 8;
/** Passages of an article: a few long articles shall not outweigh the others. */
const MOST = 12;

const plain = (line: string): string =>
  line
    .replace(/\[\d+\]/gu, "")
    .replace(/[_*`]|\\(?=\W)/gu, "")
    .replace(/\s+/gu, " ")
    .trim();

const countOf = (text: string): number => text.split(" ").length;

/** An article's name in its lead stands in capitals: written as in running text, which the encoder lower-cases anyway. */
const isHeading = (line: string): boolean =>
  /^[A-Z0-9]/u.test(line) && countOf(line) <= LONGEST_HEADING && !/[.:;,|]$/u.test(line);
const isProse = (line: string): boolean =>
  countOf(line) >= SHORTEST && /[.!?]["')\]]?$/u.test(line) && !/^[-|>#+\d[]/u.test(line);

/** Passages of an article in their order. The lead answers its title, the first one of a section its title and heading. */
export function passagesOf(title: string, content: string): SourceDocument[] {
  const passages: SourceDocument[] = [];
  let [heading, asked, text] = ["", title, ""];
  const close = () => {
    if (countOf(text) >= SHORTEST && passages.length < MOST) {
      passages.push({ group: title, title, text, questions: asked ? [asked] : [] });
      asked = "";
    }
    text = "";
  };
  for (const raw of content.split("\n")) {
    const line = plain(raw);
    if (AFTER_THE_TEXT.test(line)) break;
    if (isProse(line)) {
      text += `${text && " "}${line}`;
      if (countOf(text) >= FULL) close();
    } else if (isHeading(line) && line !== heading) {
      close();
      heading = line;
      asked = `${title} ${heading}`;
    }
  }
  close();
  return passages;
}

/** Articles under `directory`, but those whose lower-cased title is among `without` and those that hold tables. */
export async function* articles(directory: string, without: ReadonlySet<string>): AsyncGenerator<SourceDocument> {
  for (const file of readdirSync(directory).toSorted()) {
    if (!file.endsWith(".md")) continue;
    const title = file.slice(0, -".md".length).replaceAll("_", " ");
    if (TABLES.test(title) || without.has(title.toLowerCase())) continue;
    const passages = passagesOf(title.replace(/ \(.*\)$/u, ""), readFileSync(path.join(directory, file), "utf8"));
    if (passages.length > 1) yield* passages;
  }
}
