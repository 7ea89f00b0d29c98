/** The controls of the recipe: each bound to its field, with its explanation and, where it is wrong, its problem. */
import { useId } from "preact/hooks";
import { type FieldName, type RecipeFields, setField } from "../../app/recipe.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import type { GlossaryWord } from "../parts/glossary.ts";
import { Explain } from "../parts/term.tsx";

/** Fields of one type of value. */
type FieldsOf<Value> = { [Name in FieldName]: RecipeFields[Name] extends Value ? Name : never }[FieldName];
type TextField = Exclude<
  FieldsOf<string>,
  | "engine"
  | "pairs"
  | "mix"
  | "ratio"
  | "gate"
  | "batches"
  | "simansSign"
  | "loss"
  | "hardness"
  | "gist"
  | "side"
  | "loraMatrices"
  | "optimizer"
  | "precision"
>;

/** Where the recipe's check speaks of a field by another path. */
const paths: Partial<Record<FieldName, RegExp>> = {
  ratioValue: /\bratio\.value:/,
  gateValue: /\bgate\.value:/,
  hardnessAlpha: /\bhardness\.alpha:/,
  gistMargin: /\bgist\.margin:/,
  entropyWeight: /\bentropy\.weight:/,
  entropyTemperature: /\bentropy\.temperature:/,
  dimensions: /\bdimensions\b/,
  loraRank: /\blora\.rank:/,
  loraAlpha: /\blora\.alpha:/,
  dropoutHidden: /\bdropout\.hidden:/,
  dropoutAttention: /\bdropout\.attention:/,
  bestEvery: /\bbest\.every:/,
  bestPatience: /\bbest\.patience:/,
  split: /\bevaluate\.split\b/,
  k: /\bevaluate\.k\b/,
};

/** "denseFirst" stands for the key "first" of a source; which one of them is wrong, the form does not tell. */
const ofSource = /^(?:synthetic|human|bm25|dense|simans|ance|adore|random)([A-Z].*)$/;

function isWrong(name: FieldName, problem: string | undefined): boolean {
  if (problem === undefined) return false;
  const key = ofSource.exec(name)?.[1]?.toLowerCase();
  if (key !== undefined) return new RegExp(`\\bnegatives(?:\\.\\d\\.${key})?:`).test(problem);
  return (paths[name] ?? new RegExp(`\\b${name}:`)).test(problem);
}

interface FieldProps<Name> {
  readonly name: Name;
  readonly label: string;
  readonly word?: GlossaryWord;
  readonly hint?: string;
}

/** Numbers too: as typed, so that a half-typed one stays. */
export function TextInput({ name, label, word, hint }: FieldProps<TextField>) {
  const app = useApp();
  const id = useId();
  const wrong = isWrong(name, app.recipe.problem.value);
  return (
    <div class="field">
      <span class="field-label">
        <label for={id}>{label}</label>
        {word && <Explain word={word} />}
      </span>
      <input
        id={id}
        type="text"
        autocomplete="off"
        spellcheck={false}
        value={app.recipe.fields.value[name]}
        aria-invalid={wrong}
        aria-describedby={wrong ? "recipe-problem" : undefined}
        {...(hint === undefined ? {} : { placeholder: hint })}
        onInput={({ currentTarget }) => setField(app, name, currentTarget.value)}
      />
    </div>
  );
}

export function Switch({ name, label, word }: FieldProps<FieldsOf<boolean>>) {
  const app = useApp();
  return (
    <Checkbox
      label={label}
      word={word}
      checked={app.recipe.fields.value[name]}
      change={(checked) => setField(app, name, checked)}
    />
  );
}
