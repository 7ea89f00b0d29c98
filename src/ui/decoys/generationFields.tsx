/** The controls of the form for writing decoys. While a model works, what was asked for stands. */
import { useId } from "preact/hooks";
import { type GenerationField, type GenerationFields, setGenerationFields } from "../../app/generationForm.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import type { GlossaryWord } from "../parts/glossary.ts";
import { Explain } from "../parts/term.tsx";

type FieldsOf<Value> = {
  [Name in GenerationField]: GenerationFields[Name] extends Value ? Name : never;
}[GenerationField];
type TextField = Exclude<FieldsOf<string>, "provider" | "recipe">;

interface FieldProps<Name> {
  readonly name: Name;
  readonly label: string;
  readonly word?: GlossaryWord;
}

export const useBusy = (): boolean => useApp().work.phase.value !== "idle";

function Label({ id, label, word }: Omit<FieldProps<unknown>, "name"> & { readonly id: string }) {
  return (
    <span class="field-label">
      <label for={id}>{label}</label>
      {word && <Explain word={word} />}
    </span>
  );
}

export function GenerationText({ name, label, word, hint }: FieldProps<TextField> & { readonly hint?: string }) {
  const app = useApp();
  const id = useId();
  const { fields, problem } = app.generation.form;
  const wrong = problem.value?.includes(`${name}:`) ?? false;
  return (
    <div class="field">
      <Label id={id} label={label} {...(word && { word })} />
      <input
        id={id}
        type="text"
        autocomplete="off"
        spellcheck={false}
        disabled={useBusy()}
        value={fields.value[name]}
        aria-invalid={wrong}
        aria-describedby={wrong ? "generation-problem" : undefined}
        {...(hint === undefined ? {} : { placeholder: hint })}
        onInput={({ currentTarget }) => setGenerationFields(app, { [name]: currentTarget.value })}
      />
    </div>
  );
}

/** A long value takes more than one row of a narrow field. */
const rowsOf = (value: string): number =>
  value.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 26)), 0);

/** One value a line. */
export function GenerationList({ name, label, word }: FieldProps<"domains" | "levels" | "lengths">) {
  const app = useApp();
  const id = useId();
  const value = app.generation.form.fields.value[name];
  return (
    <div class="field">
      <Label id={id} label={label} {...(word && { word })} />
      <textarea
        id={id}
        rows={Math.min(8, Math.max(2, rowsOf(value)))}
        spellcheck={false}
        disabled={useBusy()}
        value={value}
        onInput={({ currentTarget }) => setGenerationFields(app, { [name]: currentTarget.value })}
      />
    </div>
  );
}

export function GenerationSwitch({ name, label, word }: FieldProps<FieldsOf<boolean>>) {
  const app = useApp();
  return (
    <Checkbox
      label={label}
      word={word}
      disabled={useBusy()}
      checked={app.generation.form.fields.value[name]}
      change={(checked) => setGenerationFields(app, { [name]: checked })}
    />
  );
}
