import type { DecoyRow, DecoyView } from "../../app/decoys.ts";
import { Badge } from "../parts/badge.tsx";
import { Passage } from "../parts/passage.tsx";

export function DecoyCard({ row, number }: { readonly row: DecoyRow; readonly number: number }) {
  return (
    <li class="decoy-card">
      <h2>
        <span class="quiet">{number}</span> {row.query}
      </h2>
      <ul>
        {row.positives.map((passage, index) => (
          <li key={index} class="source positive">
            <Badge source="positive" />
            <Passage passage={passage} />
          </li>
        ))}
        {row.decoys.map((decoy, index) => (
          <Decoy key={index} decoy={decoy} />
        ))}
      </ul>
      {row.decoys.length === 0 && <p class="quiet">No decoy yet: a run finds some.</p>}
    </li>
  );
}

function Decoy({ decoy }: { readonly decoy: DecoyView }) {
  const { source, reasoning, attributes } = decoy;
  const traits = Object.entries(attributes).map(([name, value]) => `${name}: ${value}`);
  return (
    <li class={`source ${source}`}>
      <Badge source={source} />
      <Passage passage={decoy} />
      {reasoning && (
        <details>
          <summary>The reasoning behind it</summary>
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
        </details>
      )}
    </li>
  );
}
