/** How far the training split of a collection gives its other splits away, and what is said where that is not known. */
import type { CollectionRecord } from "../../domain/run.ts";
import type { ImportSummary } from "../../domain/stages.ts";
import { leakSentence } from "../../domain/verdict.ts";
import { whole } from "../parts/format.ts";
import { Explain } from "../parts/term.tsx";

function unknownWords(judgements: CollectionRecord["judgements"]): string {
  const splits = Object.keys(judgements);
  if (splits.length === 1) return "counted when a run divides its one split into training and test";
  return splits.includes("train")
    ? "not counted: it was stored by an older version"
    : "nothing: it has no training queries";
}

/** A line of a collection's counts. */
export function GivenAway({ record }: { readonly record: CollectionRecord }) {
  const { leaks, judgements } = record;
  return (
    <div>
      <dt>
        Known from training <Explain word="clean queries" />
      </dt>
      <dd>
        {!leaks && unknownWords(judgements)}
        {Object.entries(leaks ?? {}).map(([split, { queries, sharedDocument, nearCopy, clean = 0 }]) => (
          <div key={split}>
            {split}&nbsp;{whole(queries - clean)} of {whole(queries)}
            {clean < queries && `: ${whole(sharedDocument)} by a document, ${whole(nearCopy)} near-copies`}
          </div>
        ))}
      </dd>
    </div>
  );
}

/** Of what is about to be kept. */
export function LeakNotes({ summary: { leaks, judgements } }: { readonly summary: ImportSummary }) {
  if (!leaks) return <p class="quiet">Known from training: {unknownWords(judgements)}.</p>;
  return (
    <>
      {Object.entries(leaks).map(([split, leak]) => (
        <p key={split} class={leak.clean === leak.queries ? "quiet" : "notice"}>
          {leakSentence(leak, split)}
        </p>
      ))}
    </>
  );
}
