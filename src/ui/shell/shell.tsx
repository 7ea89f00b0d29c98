/** The whole page: rail, place, run bar. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { App } from "../../app/app.ts";
import type { PlaceName } from "../../app/places.ts";
import { AppContext, useApp } from "../context.ts";
import { DataPlace } from "../collections/dataPlace.tsx";
import { WorkBar } from "../decoys/workBar.tsx";
import { lazily } from "../parts/lazily.tsx";
import { Notices } from "./notices.tsx";
import { Rail } from "./rail.tsx";
import { RunBar } from "./runBar.tsx";

export function Shell({ app }: { readonly app: App }) {
  const theme = app.theme.value;
  useLayoutEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return (
    <AppContext.Provider value={app}>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Rail />
      <Main />
      <div class="bars">
        <WorkBar />
        <RunBar />
      </div>
    </AppContext.Provider>
  );
}

/** The address names a place; it must not come to name the skipped-to element. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Main() {
  const { place } = useApp();
  const main = useRef<HTMLElement>(null);
  const shown = useRef<PlaceName>(place.value);
  // Before the browser paints: later it would take the focus from a field that a quick person has entered already.
  useLayoutEffect(() => {
    if (shown.current === place.value) return;
    shown.current = place.value;
    // A new place begins at its top, for the eye and for a screen reader.
    main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [place.value]);
  return (
    <main id="main" ref={main} tabindex={-1}>
      <Notices />
      <Shown place={place.value} />
    </main>
  );
}

// A visit begins at the data: the other places come when they are gone to.
const DecoysPlace = lazily(async () => (await import("../decoys/decoysPlace.tsx")).DecoysPlace);
const TrainPlace = lazily(async () => (await import("../training/trainPlace.tsx")).TrainPlace);
const ResultsPlace = lazily(async () => (await import("../results/resultsPlace.tsx")).ResultsPlace);
const TryPlace = lazily(async () => (await import("../try/tryPlace.tsx")).TryPlace);

function Shown({ place }: { readonly place: PlaceName }) {
  switch (place) {
    case "data":
      return <DataPlace />;
    case "decoys":
      return <DecoysPlace />;
    case "train":
      return <TrainPlace />;
    case "results":
      return <ResultsPlace />;
    case "try":
      return <TryPlace />;
    default:
      return place satisfies never;
  }
}
