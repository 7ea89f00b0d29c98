/** A passage, its start only where it is long; the rest opens in place. */
import type { PassageView } from "../../app/decoys.ts";

const short = 320;

export function Passage({ passage }: { readonly passage: PassageView }) {
  const { title, text } = passage;
  const head = title !== "" && <strong class="passage-title">{title}</strong>;
  if (text.length <= short)
    return (
      <p class="passage">
        {head}
        {text}
      </p>
    );
  const cut = text.lastIndexOf(" ", short);
  const at = cut > 0 ? cut : short;
  return (
    <details class="passage more">
      <summary>
        {head}
        {text.slice(0, at)}
        <span class="more-word"> … more</span>
      </summary>
      {text.slice(at)}
    </details>
  );
}
