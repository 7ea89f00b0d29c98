/**
 * A technical word with its explanation on demand: a native popover, closed by Escape or a press elsewhere. On paper it leads to
 * the list of words at the end.
 */
import { useContext, useId } from "preact/hooks";
import { type GlossaryWord, glossary } from "./glossary.ts";
import { PaperContext, wordAnchor } from "./paper.ts";

export function Term({ word, label }: { readonly word: GlossaryWord; readonly label?: string }) {
  const id = useId();
  const paper = useContext(PaperContext);
  if (paper) {
    paper.words.add(word);
    return (
      <a class="term" href={`#${wordAnchor(word)}`}>
        {label ?? word}
      </a>
    );
  }
  return (
    <>
      <button type="button" class="term" popovertarget={id}>
        {label ?? word}
      </button>
      <span id={id} popover="auto" class="explanation">
        {glossary[word]}
      </span>
    </>
  );
}

/** The same behind a small question mark, where the word itself labels a control. Paper has the words at its end only. */
export function Explain({ word }: { readonly word: GlossaryWord }) {
  const id = useId();
  const paper = useContext(PaperContext);
  if (paper) {
    paper.words.add(word);
    return null;
  }
  return (
    <>
      <button type="button" class="explain" popovertarget={id} aria-label={`What is “${word}”?`}>
        ?
      </button>
      <span id={id} popover="auto" class="explanation">
        {glossary[word]}
      </span>
    </>
  );
}
