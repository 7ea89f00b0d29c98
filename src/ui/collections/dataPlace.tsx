import { useApp } from "../context.ts";
import { LearnFromDocuments } from "../parts/learnFromDocuments.tsx";
import { Place } from "../parts/place.tsx";
import { RunButton } from "../parts/runButton.tsx";
import { Term } from "../parts/term.tsx";
import { CollectionCards } from "./collectionCards.tsx";
import { EncoderList } from "./encoderList.tsx";
import { ImportBox } from "./importBox.tsx";
import { ProjectBox } from "./projectBox.tsx";

export function DataPlace() {
  const { collections } = useApp();
  return (
    <Place
      title="Data"
      purpose={
        <>
          What the encoder learns from and is measured on. Press Run to train on the chosen collection: it learns from{" "}
          <Term word="decoy" label="decoys" /> (hard negatives), passages that look like the answer and are not.
        </>
      }
      action={collections.draft.value ? null : <RunButton />}
    >
      {!collections.draft.value && <LearnFromDocuments />}
      <CollectionCards />
      <ImportBox />
      <EncoderList />
      <ProjectBox />
    </Place>
  );
}
