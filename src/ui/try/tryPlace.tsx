/** Any query, three rankings side by side. */
import { attempt } from "../../app/notices.ts";
import { bm25Only, chooseSearched, exampleQueries, finishedRuns, searchFor, searchedRun } from "../../app/search.ts";
import { type RankedBy, rankedBy } from "../../domain/ranking.ts";
import { useApp } from "../context.ts";
import { Mark } from "../parts/mark.tsx";
import { Place } from "../parts/place.tsx";
import { Select } from "../parts/select.tsx";
import { rankedByWords } from "../parts/words.ts";
import { SearchResultsView } from "./searchResultsView.tsx";

export function TryPlace() {
  const app = useApp();
  const run = searchedRun(app);
  const { results, busy } = app.search;
  return (
    <Place
      title="Try it"
      purpose={
        run
          ? `Ask anything and see what ${run.name} moved: the first ten before and after, alone or fused with BM25, and BM25 beside.`
          : "Ask anything. Until a run is finished only BM25 answers; afterwards the encoder before and after stand beside it."
      }
    >
      <SearchForm />
      {busy.value !== undefined && (
        <p class="loading" role="status">
          <Mark size={32} drifting /> {busy.value}
        </p>
      )}
      {results.value && <SearchResultsView results={results.value} by={app.search.rankedBy.value} />}
    </Place>
  );
}

function SearchForm() {
  const app = useApp();
  const { text } = app.search;
  const ask = (query: string): void => void attempt(app, () => searchFor(app, query));
  const open = app.collections.open.value;
  const searched = searchedRun(app)?.collection ?? app.collections.selected.value;
  const examples = open?.id === searched ? exampleQueries(open.collection, 4) : [];
  return (
    <>
      <form
        class="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          ask(text.value);
        }}
      >
        <label for="search">Search</label>
        <div class="search-line">
          <input
            id="search"
            type="search"
            autocomplete="off"
            value={text.value}
            onInput={({ currentTarget }) => (text.value = currentTarget.value)}
          />
          <button type="submit" class="primary">
            Find
          </button>
        </div>
      </form>
      <Searched />
      {examples.length > 0 && (
        <div class="examples">
          <p class="quiet">Queries of the collection:</p>
          {examples.map((query) => (
            <button key={query} type="button" class="plain" onClick={() => ask(query)}>
              {query}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

/** Which encoder is tried, where there is a choice. */
function Searched() {
  const app = useApp();
  const runs = finishedRuns(app);
  if (runs.length === 0) return null;
  return (
    <div class="searched">
      <Select
        label="With the encoder of"
        value={searchedRun(app)?.id ?? bm25Only}
        options={[
          ...runs.map((run): readonly [string, string] => [run.id, `${run.name}, on ${run.collectionName}`]),
          [bm25Only, "None: BM25 on the chosen collection"],
        ]}
        choose={(chosen) => void attempt(app, () => chooseSearched(app, chosen))}
      />
      {searchedRun(app) && (
        <Select
          label="Before and after rank by"
          word="fusion"
          value={app.search.rankedBy.value}
          options={rankedBy.map((by): readonly [RankedBy, string] => [by, rankedByWords[by]])}
          choose={(by) => (app.search.rankedBy.value = by)}
        />
      )}
    </div>
  );
}
