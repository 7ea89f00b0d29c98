/** What went into a written decoy: the model's reflection, the attributes that were drawn, and what was decided on it. */
import type { Verdict } from "../../domain/draft.ts";
import type { Reasoning } from "../../domain/negative.ts";
import { verdictWords } from "../parts/words.ts";

export function ReasoningList({
  reasoning,
  attributes,
}: {
  readonly reasoning: Reasoning;
  readonly attributes: Readonly<Record<string, string>>;
}) {
  const traits = Object.entries(attributes).map(([name, value]) => `${name}: ${value}`);
  return (
    <dl class="reasoning">
      <dt>What makes the answer the answer</dt>
      <dd>{reasoning.positive}</dd>
      <dt>What the decoy shares with it</dt>
      <dd>{reasoning.shares}</dd>
      <dt>Why it is not the answer</dt>
      <dd>{reasoning.lacks}</dd>
      {traits.length > 0 && (
        <>
          <dt>Asked for</dt>
          <dd>{traits.join(", ")}</dd>
        </>
      )}
    </dl>
  );
}

export function VerdictLine({ verdict }: { readonly verdict: Verdict }) {
  return (
    <p class="verdict-line">
      <strong>{verdictWords[verdict.action]}.</strong> {verdict.reason}
      {verdict.by !== "person" && <span class="quiet"> By {verdict.by}.</span>}
    </p>
  );
}
