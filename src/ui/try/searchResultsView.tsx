/** Before, after and BM25, with what moved in words. */
import type { ComponentChildren } from "preact";
import { type Move, moveWords, moves, ranksOf } from "../../app/moves.ts";
import type { SearchResults } from "../../app/search.ts";
import type { Hit, RankedBy } from "../../domain/ranking.ts";
import { Badge } from "../parts/badge.tsx";

const shown = 10;

interface SearchResultsProps {
  readonly results: SearchResults;
  readonly by: RankedBy;
}

export function SearchResultsView({ results, by }: SearchResultsProps) {
  const { encoder, bm25 } = results;
  const [before, after] = [encoder?.before[by] ?? [], encoder?.after[by] ?? []];
  const moved = moves(before, after);
  const ranksAfter = ranksOf(after);
  return (
    <>
      <p class="quiet">
        “{results.query}” in {results.about}.
        {results.answers.size > 0 && " It is one of the collection's own queries: its answers are marked."}
        {encoder && by !== "alone" && " Before and after are fused with BM25."}
      </p>
      <div class={encoder ? "three" : "three only"}>
        {encoder && (
          <Column title="Before" hits={before} results={results}>
            {(hit, index) => <Fate rank={index + 1} after={ranksAfter.get(hit.documentId)} />}
          </Column>
        )}
        {encoder && (
          <Column title="After" hits={after} results={results}>
            {(_, index) => <Moved move={moved[index]} />}
          </Column>
        )}
        <Column title="BM25" hits={bm25} results={results} />
      </div>
    </>
  );
}

interface ColumnProps {
  readonly title: string;
  readonly hits: readonly Hit[];
  readonly results: SearchResults;
  readonly children?: (hit: Hit, index: number) => ComponentChildren;
}

function Column({ title, hits, results, children }: ColumnProps) {
  return (
    <section class={`column ${title.toLowerCase()}`} aria-label={title}>
      <h2>{title}</h2>
      {hits.length === 0 && <p class="quiet">Nothing found: no document shares a word with the query.</p>}
      <ol>
        {hits.slice(0, shown).map((hit, index) => {
          const document = results.documents.get(hit.documentId);
          return (
            <li key={hit.documentId}>
              <p class="hit-head">
                <span class="rank">{index + 1}</span>
                {results.answers.has(hit.documentId) && <Badge source="positive" />}
                {children?.(hit, index)}
              </p>
              {document && document.title !== "" && <strong>{document.title}</strong>}
              <p class="excerpt">{document?.text ?? hit.documentId}</p>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

const arrows = { same: "=", new: "∗", up: "↑", down: "↓" } as const;

function Moved({ move }: { readonly move: Move | undefined }) {
  if (!move) return null;
  return (
    <span class={`move ${move.kind}`}>
      <span aria-hidden="true">{arrows[move.kind]}</span> {moveWords(move)}
      {(move.kind === "up" || move.kind === "down") && <span class="quiet"> from {move.from}</span>}
    </span>
  );
}

/** Where a document of the old ranking stands now, if it left the first ten. */
function Fate({ rank, after }: { readonly rank: number; readonly after: number | undefined }) {
  if (after === rank) return null;
  return <span class="move quiet">{after === undefined ? "now below 100" : `now ${after}`}</span>;
}
