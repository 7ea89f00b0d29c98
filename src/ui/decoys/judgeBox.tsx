/** Having a language model look for decoys that answer their query after all. */
import { useEffect, useId } from "preact/hooks";
import type { FoundByRun } from "../../app/foundNegatives.ts";
import { runsWithRows } from "../../app/foundNegatives.ts";
import { listModels } from "../../app/generation.ts";
import { chosenModel, chosenProvider } from "../../app/generationForm.ts";
import { canThink, judgeDrafts, judgeFound, lookForFound, unjudged, withoutVerdict } from "../../app/judging.ts";
import { attempt } from "../../app/notices.ts";
import { topicsOf } from "../../app/topics.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { counted, whole } from "../parts/format.ts";
import { Term } from "../parts/term.tsx";
import { providerWords } from "../parts/words.ts";

export function JudgeBox() {
  const app = useApp();
  const { drafts, decoys } = app;
  const provider = chosenProvider(app);
  useEffect(() => void attempt(app, () => listModels(app, provider)), [app, provider]);
  const left = unjudged(drafts.list.value).length;
  const verdicts = drafts.verdicts.value;
  return (
    <section aria-labelledby="judge">
      <h2 id="judge">A second look by a model</h2>
      <p class="prose">
        A <Term word="judge" /> reads what may answer its query after all: those become answers or are left out. Your
        own decision counts before its. A passage takes one call to the model, or two where the first answer cannot be
        read.{" "}
        {verdicts.length > 0 &&
          `It has looked at ${counted(verdicts.length, "found passage")}: ${whole(verdicts.filter(({ action }) => action !== "keep").length)} will not be used as negatives.`}
      </p>
      <p class="quiet prose">
        <Judge />{" "}
        <button type="button" class="plain" onClick={() => (decoys.view.value = "write")}>
          Choose another model
        </button>
      </p>
      <div class="buttons">
        <button
          type="button"
          disabled={left === 0 || !canThink(app)}
          onClick={() => void attempt(app, () => judgeDrafts(app))}
        >
          Judge {counted(left, "decoy")} not looked at
        </button>
        <span class="quiet">{calls(left)}</span>
      </div>
      <Found />
    </section>
  );
}

const calls = (count: number): string => (count === 0 ? "" : `${counted(count, "call")} to the model`);

/** What a run found, or BM25's best where no run found any. */
function Found() {
  const app = useApp();
  const { collections, judging } = app;
  const id = collections.selected.value;
  const runs = runsWithRows(app, id).map((run) => run.id);
  useEffect(() => void attempt(app, () => lookForFound(app)), [app, id, runs.join()]);
  const { value: found } = judging.found;
  if (found?.collection !== id) return <p class="quiet">Looking for what a run found</p>;
  return found.of ? <FoundByARun of={found.of} /> : <BestByWords />;
}

function FoundByARun({ of: { run, passages } }: { readonly of: FoundByRun }) {
  const app = useApp();
  const left = withoutVerdict(passages, app.drafts.verdicts.value).length;
  const sources = [...new Set(passages.map(({ source }) => source))];
  const adore = run.config.negatives.some(({ source }) => source === "adore");
  return (
    <>
      <p class="prose">
        {run.name} found {counted(passages.length, "passage")} of this collection to train against.
        {adore && " What ADORE found is not kept."}
      </p>
      <ul class="counts">
        {sources.map((source) => (
          <li key={source}>
            <Badge source={source} note={whole(passages.filter((passage) => passage.source === source).length)} />
          </li>
        ))}
      </ul>
      <div class="buttons">
        <button
          type="button"
          disabled={left === 0 || !canThink(app)}
          onClick={() => void attempt(app, () => judgeFound(app, 0))}
        >
          Judge {counted(left, "found passage")} not looked at
        </button>
        <span class="quiet">{calls(left)}</span>
      </div>
    </>
  );
}

function BestByWords() {
  const app = useApp();
  const id = useId();
  const { judging, collections } = app;
  const open = collections.open.value;
  const queries = open ? topicsOf(open.collection).length : 0;
  const depth = Number(judging.depth.value);
  const usable = Number.isInteger(depth) && depth >= 1 && depth <= 50;
  return (
    <>
      <p class="prose">
        No run has found negatives in this collection yet. Until one has, BM25’s best of each training query can be
        judged, those that are known to answer it left out.
      </p>
      <div class="buttons">
        <button
          type="button"
          disabled={!usable || queries === 0 || !canThink(app)}
          onClick={() => void attempt(app, () => judgeFound(app, depth))}
        >
          Judge BM25’s best
        </button>
        <label for={id} class="quiet">
          of each query
        </label>
        <input
          id={id}
          class="small-number"
          type="text"
          inputmode="numeric"
          autocomplete="off"
          aria-invalid={!usable}
          value={judging.depth.value}
          onInput={({ currentTarget }) => (judging.depth.value = currentTarget.value)}
        />
        {usable && queries > 0 && <span class="quiet">at most {calls(depth * queries)}</span>}
      </div>
    </>
  );
}

/** Who would judge. */
function Judge() {
  const app = useApp();
  const provider = chosenProvider(app);
  if (provider === "recorded") return <>Recorded answers cannot judge.</>;
  const { endpointModel, endpointUrl } = app.generation.form.fields.value;
  if (provider === "endpoint")
    return (
      <strong>
        {endpointModel || "A model"} at {endpointUrl}: text leaves this tab.
      </strong>
    );
  if (provider === "browser") return <>{providerWords.browser}.</>;
  return <>{chosenModel(app, provider)?.name ?? "No model is chosen yet."}</>;
}
