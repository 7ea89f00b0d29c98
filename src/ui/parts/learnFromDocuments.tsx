/** What is offered where a collection has no judgements: without them the run button does nothing. */
import { learnFromDocuments, learnsFromDocuments, unjudgedSelection } from "../../app/learnFromDocuments.ts";
import { useApp } from "../context.ts";

export function LearnFromDocuments() {
  const app = useApp();
  const record = unjudgedSelection(app);
  if (!record || app.run.phase.value !== "idle") return null;
  if (learnsFromDocuments(app)) {
    return (
      <p class="quiet prose">
        {record.name} has no judgements: a run makes its queries of the documents, and holds some documents out to
        measure with.
      </p>
    );
  }
  return (
    <div class="notice">
      <p class="notice-text">
        {record.name} has no judgements, so there is nothing to learn from yet. A run can make queries of the documents
        themselves: their titles and sentences, with a tenth of the documents held out to measure with.
      </p>
      <div class="buttons">
        <LearnFromDocumentsButton />
      </div>
    </div>
  );
}

export function LearnFromDocumentsButton() {
  const app = useApp();
  return (
    <button type="button" onClick={() => learnFromDocuments(app)}>
      Learn from the documents
    </button>
  );
}
