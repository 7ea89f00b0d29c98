/** What is asked for: recipe, attributes, the words of the prompt, numbers. */
import { openGeneration } from "../../app/generation.ts";
import { promptParts, setGenerationFields, setPart, usePreset } from "../../app/generationForm.ts";
import { canThink, suggestDomains } from "../../app/judging.ts";
import { attempt } from "../../app/notices.ts";
import type { PromptPart } from "../../domain/generation.ts";
import { useEffect, useId } from "preact/hooks";
import { useApp } from "../context.ts";
import { Select } from "../parts/select.tsx";
import { promptPartWords } from "../parts/words.ts";
import { GenerationList, GenerationSwitch, GenerationText, useBusy } from "./generationFields.tsx";

export function PromptForm() {
  const app = useApp();
  const { fields, problem } = app.generation.form;
  useEffect(() => void attempt(app, () => openGeneration(app)), [app]);
  return (
    <section aria-labelledby="prompt">
      <h2 id="prompt">What is asked for</h2>
      <form class="recipe" onSubmit={(event) => event.preventDefault()}>
        <Select
          label="Recipe"
          word="prompt recipe"
          value={fields.value.recipe}
          options={[
            ["syneg", "SyNeg: reflect, draft, revise"],
            ["causalneg", "CausalNeg: edit a found passage"],
          ]}
          choose={(recipe) => setGenerationFields(app, { recipe })}
        />
        <GenerationText name="perQuery" label="Decoys a query" />
        {fields.value.recipe === "syneg" && (
          <GenerationSwitch name="reflection" label="Self-reflection" word="self-reflection" />
        )}
        <GenerationSwitch name="attributes" label="Attributes" word="attributes" />
        {fields.value.attributes && <Attributes />}
        <details class="more-fields">
          <summary>The words of the prompt</summary>
          <PromptWords />
        </details>
        <details class="more-fields">
          <summary>More</summary>
          <div class="recipe">
            <GenerationText name="seed" label="Seed" word="seed" />
            <GenerationText name="retries" label="Tries after a useless answer" word="retries" />
            <GenerationText name="temperature" label="Sampling temperature" word="sampling temperature" />
            <GenerationText name="topP" label="Top p" />
            <GenerationText name="maxTokens" label="Longest answer, tokens" />
            <GenerationText name="stallAfter" label="Seconds until it counts as stalled" />
            <GenerationText name="timeout" label="Seconds for an answer" />
          </div>
        </details>
        <p id="generation-problem" class="problem-text" role="alert">
          {problem.value}
        </p>
      </form>
    </section>
  );
}

function Attributes() {
  const app = useApp();
  const busy = useBusy();
  const { form, synthesis } = app.generation;
  const presets = synthesis.value?.presets ?? [];
  const preset = presets.find(({ name }) => name === form.fields.value.preset);
  const options = presets.map(({ name, label }): readonly [string, string] => [name, label]);
  return (
    <div class="wide recipe">
      <Select
        label="Lists for"
        value={preset?.name ?? ""}
        options={preset ? options : [["", "your own"], ...options]}
        choose={(name) => {
          const chosen = presets.find((other) => other.name === name);
          if (chosen) usePreset(app, chosen);
        }}
      />
      <p class="quiet">{preset && `Origin: ${preset.origin}. `}One value a line; each decoy draws one of each list.</p>
      <GenerationList name="domains" label="Domains" />
      <div class="stack">
        <GenerationList name="levels" label="Education levels" />
        <GenerationList name="lengths" label="Lengths" />
      </div>
      <button
        type="button"
        disabled={busy || !canThink(app)}
        onClick={() => void attempt(app, () => suggestDomains(app))}
      >
        Suggest domains from my documents
      </button>
    </div>
  );
}

function PromptWords() {
  const app = useApp();
  const { form, synthesis } = app.generation;
  const { recipe, reflection, attributes } = form.fields.value;
  const words = synthesis.value?.defaultParts({ recipe, reflection, attributes });
  if (!words) return <p class="quiet">Loading</p>;
  return (
    <div class="stack">
      <p class="quiet">
        Words in braces, as {"{domain}"}, are filled in for each request. What you change holds for every recipe.
      </p>
      {promptParts.map((part) => (
        <Part key={part} part={part} usual={words[part]} />
      ))}
    </div>
  );
}

function Part({ part, usual }: { readonly part: PromptPart; readonly usual: string }) {
  const app = useApp();
  const id = useId();
  const busy = useBusy();
  const own = app.generation.form.parts.value[part];
  const value = own ?? usual;
  return (
    <div class="field">
      <span class="field-label">
        <label for={id}>{promptPartWords[part]}</label>
        {own !== undefined && (
          <button type="button" class="plain" disabled={busy} onClick={() => setPart(app, part, undefined)}>
            Back to the default
          </button>
        )}
      </span>
      <textarea
        id={id}
        rows={Math.min(10, Math.max(2, Math.ceil(value.length / 60)))}
        disabled={busy}
        value={value}
        onInput={({ currentTarget }) => {
          const typed = currentTarget.value;
          setPart(app, part, typed === usual ? undefined : typed);
        }}
      />
    </div>
  );
}
