/** Having a language model look for decoys that answer their query after all. */
import { useEffect, useId } from "preact/hooks";
import { listModels } from "../../app/generation.ts";
import { chosenModel, chosenProvider } from "../../app/generationForm.ts";
import { canThink, judgeDrafts, judgeFound, unjudged } from "../../app/judging.ts";
import { attempt } from "../../app/notices.ts";
import { useApp } from "../context.ts";
import { counted, whole } from "../parts/format.ts";
import { Term } from "../parts/term.tsx";
import { providerWords } from "../parts/words.ts";

export function JudgeBox() {
  const app = useApp();
  const id = useId();
  const { drafts, judging, decoys } = app;
  const provider = chosenProvider(app);
  useEffect(() => void attempt(app, () => listModels(app, provider)), [app, provider]);
  const left = unjudged(drafts.list.value).length;
  const depth = Number(judging.depth.value);
  const usable = Number.isInteger(depth) && depth >= 1 && depth <= 50;
  const verdicts = drafts.verdicts.value;
  return (
    <section aria-labelledby="judge">
      <h2 id="judge">A second look by a model</h2>
      <p class="prose">
        A <Term word="judge" /> reads what may answer its query after all: those become answers or are left out. Your
        own decision counts before its.{" "}
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
        <button
          type="button"
          disabled={!usable || !canThink(app)}
          onClick={() => void attempt(app, () => judgeFound(app, depth))}
        >
          Judge found passages
        </button>
        <label for={id} class="quiet">
          best of each query
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
      </div>
    </section>
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
