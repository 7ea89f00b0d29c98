/** A technical word with its explanation on demand: a native popover, closed by Escape or a press elsewhere. */
import { useId } from "preact/hooks";
import { type GlossaryWord, glossary } from "./glossary.ts";

export function Term({ word, label }: { readonly word: GlossaryWord; readonly label?: string }) {
  const id = useId();
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

/** The same behind a small question mark, where the word itself labels a control. */
export function Explain({ word }: { readonly word: GlossaryWord }) {
  const id = useId();
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
