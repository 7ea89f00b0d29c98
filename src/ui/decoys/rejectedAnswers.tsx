/** Answers that were of no use: counted by what was wrong with them, none thrown away. */
import { useState } from "preact/hooks";
import { removeDrafts } from "../../app/drafts.ts";
import { attempt } from "../../app/notices.ts";
import { downloadDrafts, rejectedDrafts } from "../../app/rejected.ts";
import type { Draft } from "../../domain/draft.ts";
import { useApp } from "../context.ts";
import { counted, whole } from "../parts/format.ts";
import { flawWords } from "../parts/words.ts";

const mostShown = 50;

export function RejectedAnswers() {
  const app = useApp();
  const drafts = app.drafts.list.value;
  const rejected = rejectedDrafts(drafts);
  if (drafts.length === 0) return null;
  return (
    <section aria-labelledby="rejected">
      <h2 id="rejected">Rejected answers</h2>
      {rejected.total === 0 ? (
        <p class="quiet">None so far.</p>
      ) : (
        <>
          <ul class="counts">
            {rejected.byFlaw.map(({ flaw, count }) => (
              <li key={flaw}>
                {whole(count)} <span class="quiet">{flawWords[flaw]}</span>
              </li>
            ))}
          </ul>
          <List drafts={rejected.drafts} />
        </>
      )}
      <div class="buttons">
        {rejected.total > 0 && (
          <button type="button" onClick={() => downloadDrafts(app, rejected.drafts, "rejected")}>
            Download the rejected answers (JSONL)
          </button>
        )}
        <button
          type="button"
          onClick={() =>
            downloadDrafts(
              app,
              drafts.filter(({ outcome }) => outcome !== "rejected"),
              "decoys",
            )
          }
        >
          Download the decoys (JSONL)
        </button>
        <RemoveAll />
      </div>
    </section>
  );
}

/** To begin anew with another recipe or model. */
function RemoveAll() {
  const app = useApp();
  const written = app.drafts.list.value.filter(({ source }) => source === "synthetic");
  if (written.length === 0) return null;
  const text = `Removed ${counted(written.length, "answer")} of language models.`;
  return (
    <button
      type="button"
      disabled={!app.writable.value || app.work.phase.value !== "idle"}
      onClick={() => void attempt(app, () => removeDrafts(app, written, text))}
    >
      Remove all that models wrote
    </button>
  );
}

function List({ drafts }: { readonly drafts: readonly Draft[] }) {
  const [shown, show] = useState(mostShown);
  return (
    <details>
      <summary>What was wrong with each</summary>
      <ul class="rejected-list">
        {drafts.slice(0, shown).map((draft) => (
          <li key={draft.key}>
            <p>
              {draft.notes[0]?.text ?? "No reason was given."}{" "}
              <span class="quiet">
                Query {draft.queryId}, try {draft.attempt}, {draft.model}
              </span>
            </p>
            {draft.answer !== "" && (
              <details>
                <summary>The answer as it came</summary>
                <pre tabindex={0}>{draft.answer}</pre>
              </details>
            )}
          </li>
        ))}
      </ul>
      {shown < drafts.length && (
        <button type="button" onClick={() => show(shown + mostShown)}>
          Show more
        </button>
      )}
    </details>
  );
}
