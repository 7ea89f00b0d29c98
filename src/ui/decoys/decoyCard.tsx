import type { DecoyRow, DecoyView } from "../../app/decoys.ts";
import { writeOwnFor } from "../../app/ownDecoys.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { measure, whole } from "../parts/format.ts";
import { Passage } from "../parts/passage.tsx";
import { ReasoningList, VerdictLine } from "./reasoning.tsx";

export function DecoyCard({ row, number }: { readonly row: DecoyRow; readonly number: number }) {
  const app = useApp();
  const { query, queryId, positives, decoys } = row;
  return (
    <li class="decoy-card">
      <h2>
        <span class="quiet">{number}</span> {query}
      </h2>
      <ul>
        {positives.map((passage, index) => (
          <li key={index} class="source positive">
            <Badge source="positive" />
            <Passage passage={passage} />
          </li>
        ))}
        {decoys.map((decoy, index) => (
          <Decoy key={index} decoy={decoy} />
        ))}
      </ul>
      {decoys.length === 0 && <p class="quiet">No decoy yet: a run finds some.</p>}
      {queryId !== undefined && (
        <button type="button" class="plain" onClick={() => writeOwnFor(app, queryId)}>
          Write one yourself
        </button>
      )}
    </li>
  );
}

/** A cosine says more with three digits, a BM25 score with one. */
function scoreWords({ source, score, rank }: DecoyView): string[] {
  return [
    ...(rank === undefined ? [] : [`rank ${whole(rank)}`]),
    ...(score === undefined ? [] : [`score ${source === "bm25" ? score.toFixed(1) : measure(score)}`]),
  ];
}

function Decoy({ decoy }: { readonly decoy: DecoyView }) {
  const { source, reasoning, attributes, verdict } = decoy;
  return (
    <li class={verdict && verdict.action !== "keep" ? `source ${source} left-out` : `source ${source}`}>
      <span>
        <Badge source={source} />
        {scoreWords(decoy).map((words) => (
          <span key={words} class="quiet scored">
            {words}
          </span>
        ))}
      </span>
      <Passage passage={decoy} />
      {verdict && <VerdictLine verdict={verdict} />}
      {reasoning && (
        <details>
          <summary>The reasoning behind it</summary>
          <ReasoningList reasoning={reasoning} attributes={attributes} />
        </details>
      )}
    </li>
  );
}
