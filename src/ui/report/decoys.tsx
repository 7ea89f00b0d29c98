/** What the decoys did: the page's tables, and the margins in figures. */
import type { Margins, MassSource, Snapshot } from "../../domain/diagnostics.ts";
import { marginEdges } from "../../domain/diagnostics.ts";
import type { RunResult } from "../../domain/run.ts";
import { Badge } from "../parts/badge.tsx";
import { measure, whole } from "../parts/format.ts";
import { DecoyTables, gateWords, looksOf, sourcesOf } from "../results/diagnostics.tsx";
import { Ledger } from "./section.tsx";

export function Decoys({ result }: { readonly result: RunResult }) {
  const looks = looksOf(result);
  if (!looks) return <p class="prose">The decoys were not looked at in this run.</p>;
  return (
    <div class="diagnostics">
      <DecoyTables result={result} />
      <MarginTable before={looks.before} after={looks.after} />
      {result.gate && <p class="prose">{gateWords(result.gate)}</p>}
    </div>
  );
}

/** Two bins in one: tenths. */
const tenths = ({ histogram }: Margins): number[] =>
  histogram.flatMap((count, bin) => (bin % 2 === 0 ? [count + (histogram[bin + 1] ?? 0)] : []));

const edges = marginEdges.filter((_, i) => i % 2 === 0 && i < marginEdges.length - 1);

/** "−.3": where a column begins. The first begins nowhere. */
const edgeWords = (edge: number, i: number): string =>
  i === 0 ? `below ${tenth(edges[1] ?? 0)}` : `from ${tenth(edge)}`;
const tenth = (edge: number): string => measure(edge).replace(/00$/u, "").replace(".0", "0");

interface MarginTableProps {
  readonly before: Snapshot;
  readonly after: Snapshot;
}

function MarginTable({ before, after }: MarginTableProps) {
  const rows = sourcesOf(before).flatMap((source) => [
    ...marginRow(source, "before", before),
    ...marginRow(source, "after", after),
  ]);
  if (rows.length === 0) return null;
  return (
    <Ledger label="Margins in figures">
      <caption>Margins in figures: how many decoys lie between each border and the next</caption>
      <thead>
        <tr>
          <th scope="col">Source</th>
          {edges.map((edge, i) => (
            <th key={edge} scope="col">
              {edgeWords(edge, i)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ source, when, counts }) => (
          <tr key={source + when}>
            <th scope="row">
              <Badge source={source} note={when} />
            </th>
            {counts.map((count, i) => (
              <td key={i}>{whole(count)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </Ledger>
  );
}

function marginRow(source: MassSource, when: "before" | "after", { margins }: Snapshot) {
  const own = source === "positive" ? undefined : margins[source];
  return own && own.count > 0 ? [{ source, when, counts: tenths(own) }] : [];
}
