/** Whether parts are drawn for a report: a page without scripts, read from a file or from paper. */
import { createContext } from "preact";
import type { GlossaryWord } from "./glossary.ts";

export interface Paper {
  /** Those that were used so far, to be explained at the end. */
  readonly words: Set<GlossaryWord>;
}

/** Undefined on the page. */
export const PaperContext = createContext<Paper | undefined>(undefined);

/** The id of a word in the list at the end. */
export const wordAnchor = (word: GlossaryWord): string => `word-${word.toLowerCase().replace(/[^a-z0-9]+/gu, "-")}`;
