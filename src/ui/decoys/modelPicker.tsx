/** Which model writes: where it runs, what it needs, and whether the text leaves this tab. */
import { useEffect, useId } from "preact/hooks";
import { listModels } from "../../app/generation.ts";
import { chosenModel, chosenProvider, setGenerationFields } from "../../app/generationForm.ts";
import { attempt } from "../../app/notices.ts";
import type { ModelChoice, ProviderKind } from "../../domain/languageModel.ts";
import { useApp } from "../context.ts";
import { counted, size, whole } from "../parts/format.ts";
import { Select } from "../parts/select.tsx";
import { providerWhy, providerWords } from "../parts/words.ts";
import { GenerationText, useBusy } from "./generationFields.tsx";

const providers: readonly ProviderKind[] = ["recorded", "webllm", "transformers", "browser", "endpoint"];

/** Recorded answers hold decoys and nothing else. */
export function ModelPicker({ label, recorded }: { readonly label: string; readonly recorded: boolean }) {
  const app = useApp();
  const provider = chosenProvider(app);
  useEffect(() => void attempt(app, () => listModels(app, provider)), [app, provider]);
  return (
    <section aria-labelledby="model">
      <h2 id="model">Model</h2>
      <Select
        label={label}
        word="language model"
        value={provider}
        options={providers
          .filter((name) => recorded || name !== "recorded" || name === provider)
          .map((name) => [name, providerWords[name]])}
        choose={(name) => setGenerationFields(app, { provider: name })}
      />
      <p class="quiet prose">{providerWhy[provider]}</p>
      {provider === "endpoint" && <Endpoint />}
      {(provider === "webllm" || provider === "transformers") && <Models provider={provider} />}
      {provider === "browser" && <OwnModel />}
      {(provider === "browser" || provider === "endpoint") && (
        <p class="quiet prose">Not reproducible: the same seed may give other decoys another time.</p>
      )}
    </section>
  );
}

function Models({ provider }: { readonly provider: "webllm" | "transformers" }) {
  const app = useApp();
  const models = app.generation.models.value[provider];
  if (!models) return <p class="quiet">Looking at what this device can run</p>;
  const chosen = chosenModel(app, provider);
  const field = provider === "webllm" ? "webllmModel" : "transformersModel";
  const here = models.filter(({ runs }) => runs.here);
  const others = models.filter(({ runs }) => !runs.here);
  const list = (some: readonly ModelChoice[]) => (
    <ul>
      {some.map((model) => (
        <Model
          key={model.id}
          model={model}
          chosen={model === chosen}
          choose={() => setGenerationFields(app, { [field]: model.id })}
        />
      ))}
    </ul>
  );
  return (
    <fieldset class="models">
      <legend class="field-label">Model</legend>
      {here.length > 0 && list(here)}
      {others.length > 0 && (
        <details open={here.length === 0}>
          <summary>{counted(others.length, "model")} that this device cannot run</summary>
          {list(others)}
        </details>
      )}
    </fieldset>
  );
}

/** "880 MB to download, 1.1 GB of graphics memory, context 4,096, 16-bit floats, Apache-2.0". */
function needsOf({ downloadBytes, memoryBytes, context, needsF16, licence }: ModelChoice): string {
  return [
    downloadBytes !== undefined && `${size(downloadBytes)} to download`,
    memoryBytes !== undefined && `${size(memoryBytes)} of graphics memory`,
    context !== undefined && `context ${whole(context)}`,
    needsF16 && "needs 16-bit floats",
    licence,
  ]
    .filter((part) => part !== false && part !== "")
    .join(", ");
}

interface ModelProps {
  readonly model: ModelChoice;
  readonly chosen: boolean;
  readonly choose: () => void;
}

function Model({ model, chosen, choose }: ModelProps) {
  const id = useId();
  const busy = useBusy();
  const { name, runs } = model;
  return (
    <li class={runs.here ? "model" : "model not-here"}>
      <input
        id={id}
        type="radio"
        name="model"
        checked={chosen && runs.here}
        disabled={busy || !runs.here}
        onChange={choose}
      />
      <label for={id}>
        <strong>{name}</strong> <span class="quiet">{needsOf(model)}</span>
        {!runs.here && <span class="not-here-why">{runs.why}</span>}
      </label>
    </li>
  );
}

function OwnModel() {
  const [model] = useApp().generation.models.value.browser ?? [];
  if (!model) return null;
  return <p class="prose">{model.runs.here ? `${model.name} is there.` : `Not here: ${model.runs.why}`}</p>;
}

function Endpoint() {
  const app = useApp();
  const id = useId();
  const { form } = app.generation;
  return (
    <>
      <Leaving url={form.fields.value.endpointUrl} />
      <div class="recipe">
        <GenerationText name="endpointUrl" label="Address" />
        <GenerationText name="endpointModel" label="Model" hint="as the endpoint calls it" />
        <div class="field">
          <label class="field-label" for={id}>
            Key, where it wants one
          </label>
          <input
            id={id}
            type="password"
            autocomplete="off"
            value={form.key.value}
            onInput={({ currentTarget }) => (form.key.value = currentTarget.value)}
          />
        </div>
        <GenerationText name="endpointConcurrency" label="Requests at once" />
      </div>
      <p class="quiet prose">
        The key is held until this page closes and is never stored. The endpoint must allow requests from this page
        (CORS); for Ollama that is the setting OLLAMA_ORIGINS.
      </p>
    </>
  );
}

/** Said before anything is sent, and loudly. */
function Leaving({ url }: { readonly url: string }) {
  const host = URL.canParse(url) ? new URL(url).host : "";
  return (
    <p class="leaving" role="note">
      <strong>Text leaves this tab.</strong>{" "}
      {host === ""
        ? "The address is not complete yet: it begins with http:// or https://."
        : `Queries, answers and passages near them are sent to ${host}.`}
    </p>
  );
}
