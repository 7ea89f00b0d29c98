/** Where a passage comes from: always a colour, a shape and a word together. */
import type { NegativeSource } from "../../domain/negative.ts";

export type BadgeSource = NegativeSource | "positive";

const words: Readonly<Record<BadgeSource, string>> = {
  positive: "Answer",
  synthetic: "Synthetic",
  human: "By a person",
  given: "Given",
  bm25: "BM25",
  dense: "Dense",
  ance: "ANCE",
  adore: "ADORE",
  simans: "SimANS",
  random: "Random",
};

function Shape({ source }: { readonly source: BadgeSource }) {
  switch (source) {
    case "positive":
      return <circle cx="6" cy="6" r="5" fill="currentColor" />;
    case "synthetic":
      return <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" stroke-width="1.75" />;
    case "human":
      return <path d="M6 .5 11.5 6 6 11.5.5 6Z" fill="currentColor" />;
    case "given":
      return <path d="M1.5 1.5h9v9h-9Z" fill="none" stroke="currentColor" stroke-width="1.75" />;
    case "bm25":
      return <path d="M1 1h10v10H1Z" fill="currentColor" />;
    case "random":
      return <path d="m1.5 1.5 9 9m0-9-9 9" fill="none" stroke="currentColor" stroke-width="2" />;
    case "dense":
    case "ance":
    case "adore":
    case "simans":
      return <path d="M6 .75 11.75 11H.25Z" fill="currentColor" />;
    default:
      return source satisfies never;
  }
}

export function Badge({ source, note }: { readonly source: BadgeSource; readonly note?: string }) {
  return (
    <span class={`badge ${source}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <Shape source={source} />
      </svg>
      {words[source]}
      {note !== undefined && <span class="quiet"> {note}</span>}
    </span>
  );
}
