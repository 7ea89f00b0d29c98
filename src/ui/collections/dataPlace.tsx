import { type DataView, dataViews } from "../../app/browse.ts";
import { selectedRecord } from "../../app/collections.ts";
import { useApp } from "../context.ts";
import { lazily } from "../parts/lazily.tsx";
import { LearnFromDocuments } from "../parts/learnFromDocuments.tsx";
import { Place } from "../parts/place.tsx";
import { RunButton } from "../parts/runButton.tsx";
import { Term } from "../parts/term.tsx";
import { CollectionCards } from "./collectionCards.tsx";
import { EncoderList } from "./encoderList.tsx";
import { ImportBox } from "./importBox.tsx";
import { ProjectBox } from "./projectBox.tsx";

export function DataPlace() {
  const { browse, collections } = useApp();
  return (
    <Place
      title="Data"
      purpose={
        <>
          What the encoder learns from and is measured on. Press Run to train on the chosen collection: it learns from{" "}
          <Term word="decoy" label="decoys" /> (hard negatives), passages that look like the answer and are not.
        </>
      }
      action={collections.draft.value || browse.view.value !== "collections" ? null : <RunButton />}
    >
      <Views />
      {browse.view.value === "collections" ? <Collections /> : <Inside />}
    </Place>
  );
}

const Inside = lazily(async () => (await import("../inside/inside.tsx")).Inside);

const viewWords: Readonly<Record<DataView, string>> = {
  collections: "Collections",
  documents: "Documents",
  queries: "Queries",
  judgements: "Judgements",
  splits: "Splits",
  statistics: "Statistics",
};

/** The first is about all of the data, the others about the selected collection. */
function Views() {
  const { browse, collections } = useApp();
  const selected = selectedRecord(collections);
  return (
    <nav class="views" aria-label="Data">
      {dataViews.map((name) => (
        <button
          key={name}
          type="button"
          class="plain"
          disabled={name !== "collections" && !selected}
          aria-current={browse.view.value === name ? "true" : undefined}
          onClick={() => (browse.view.value = name)}
        >
          {viewWords[name]}
        </button>
      ))}
      {browse.view.value !== "collections" && selected && <span class="views-of quiet">of {selected.name}</span>}
    </nav>
  );
}

function Collections() {
  const { collections } = useApp();
  return (
    <>
      {!collections.draft.value && <LearnFromDocuments />}
      <CollectionCards />
      <ImportBox />
      <EncoderList />
      <ProjectBox />
    </>
  );
}
