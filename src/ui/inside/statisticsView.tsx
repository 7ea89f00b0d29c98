/** The selected collection in numbers. */
import { useEffect } from "preact/hooks";
import type { Statistics } from "../../app/browse.ts";
import { readStatistics } from "../../app/browsing.ts";
import { attempt } from "../../app/notices.ts";
import type { Collection } from "../../domain/collection.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { counted, whole } from "../parts/format.ts";
import { Mark } from "../parts/mark.tsx";
import { Meter, progressWords } from "../parts/meter.tsx";
import { inOrder } from "../parts/splitOrder.ts";
import { Histogram } from "./histogram.tsx";

export function StatisticsView() {
  const app = useApp();
  const { browse, collections } = app;
  const collection = collections.open.value?.collection;
  useEffect(() => void attempt(app, () => readStatistics(app)), [collection]);
  const statistics = browse.statistics.value;
  if (!collection || statistics?.of !== collection) {
    const progress = browse.progress.value;
    return (
      <section aria-label="Statistics">
        <p class="loading">
          <Mark size={32} drifting /> Counting{progress && `, ${progressWords(progress)}`}
        </p>
        <Meter label="Counting" progress={progress} />
      </section>
    );
  }
  return <Shown statistics={statistics.result} collection={collection} />;
}

function Shown({ statistics, collection }: { readonly statistics: Statistics; readonly collection: Collection }) {
  const { documentWords, queryWords, answers } = statistics;
  return (
    <section aria-labelledby="statistics">
      <h2 id="statistics" class="hidden">
        Statistics
      </h2>
      <div class="histograms">
        {documentWords && (
          <Histogram title="Length of documents" noun="documents" unit="words" distribution={documentWords} />
        )}
        {queryWords && <Histogram title="Length of queries" noun="queries" unit="words" distribution={queryWords} />}
        {inOrder(answers).map(([split, distribution]) => (
          <Histogram
            key={split}
            title={`Answers a query in ${split}`}
            noun="queries"
            unit="answers"
            distribution={distribution}
          />
        ))}
      </div>
      <Facts statistics={statistics} collection={collection} />
      <Negatives statistics={statistics} queries={collection.queries.length} />
    </section>
  );
}

function Facts({ statistics, collection }: { readonly statistics: Statistics; readonly collection: Collection }) {
  const { repeatedDocuments, repeatedQueries, unjudgedDocuments, judgedNotRelevant } = statistics;
  const share = (part: number, total: number): string =>
    total === 0 ? "none" : `${whole(part)} of ${whole(total)} (${((100 * part) / total).toFixed(1)} %)`;
  const facts: readonly (readonly [string, string])[] = [
    ["Documents that repeat an earlier text", share(repeatedDocuments, collection.documents.length)],
    ["Queries that repeat an earlier text", share(repeatedQueries, collection.queries.length)],
    ["Documents that nobody judged", share(unjudgedDocuments, collection.documents.length)],
    ["Judgements that say “no answer”", whole(judgedNotRelevant)],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Negatives({ statistics, queries }: { readonly statistics: Statistics; readonly queries: number }) {
  const { negatives } = statistics;
  if (negatives.length === 0) return <p class="quiet">The collection brings no decoys of its own.</p>;
  return (
    <div class="stack">
      <h3>Decoys that came with the collection</h3>
      <ul class="shares">
        {negatives.map(({ source, queries: having, negatives }) => {
          const words = `${((100 * having) / Math.max(1, queries)).toFixed(0)} % of the queries: ${counted(negatives, "decoy")} for ${whole(having)} of ${whole(queries)}`;
          return (
            <li key={source}>
              <Badge source={source} />
              <meter aria-label={words} min={0} max={Math.max(1, queries)} value={having} />
              <span class="quiet">{words}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
