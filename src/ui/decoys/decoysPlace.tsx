/** Decoys: every training query with its own, and the ways to come by more. */
import { type DecoysViewName, decoysViews } from "../../app/decoys.ts";
import { useApp } from "../context.ts";
import { Place } from "../parts/place.tsx";
import { Term } from "../parts/term.tsx";
import { decoysViewWords } from "../parts/words.ts";
import { OwnView } from "./ownView.tsx";
import { QueriesView } from "./queriesView.tsx";
import { ReviewView } from "./reviewView.tsx";
import { RowsView } from "./rowsView.tsx";
import { WriteView } from "./writeView.tsx";

export function DecoysPlace() {
  const { decoys } = useApp();
  return (
    <Place
      title="Decoys"
      purpose={
        <>
          For each training query its answer, and the <Term word="decoy" label="decoys" /> the encoder must rank below
          it. Read a few: if one answers the query after all, it teaches the wrong thing.
        </>
      }
    >
      <nav class="views" aria-label="Decoys">
        {decoysViews.map((name) => (
          <button
            key={name}
            type="button"
            class="plain"
            aria-current={decoys.view.value === name ? "true" : undefined}
            onClick={() => (decoys.view.value = name)}
          >
            {decoysViewWords[name]}
          </button>
        ))}
      </nav>
      <View name={decoys.view.value} />
    </Place>
  );
}

function View({ name }: { readonly name: DecoysViewName }) {
  switch (name) {
    case "rows":
      return <RowsView />;
    case "write":
      return <WriteView />;
    case "review":
      return <ReviewView />;
    case "own":
      return <OwnView />;
    case "queries":
      return <QueriesView />;
    default:
      return name satisfies never;
  }
}
