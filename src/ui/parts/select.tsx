/** A labelled choice among a few. */
import { useId } from "preact/hooks";
import type { GlossaryWord } from "./glossary.ts";
import { Explain } from "./term.tsx";

interface SelectProps<Value extends string> {
  readonly label: string;
  readonly word?: GlossaryWord;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly choose: (value: Value) => void;
}

export function Select<Value extends string>({ label, word, value, options, choose }: SelectProps<Value>) {
  const id = useId();
  return (
    <div class="field">
      <span class="field-label">
        <label for={id}>{label}</label>
        {word && <Explain word={word} />}
      </span>
      <select
        id={id}
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = options[currentTarget.selectedIndex];
          if (chosen) choose(chosen[0]);
        }}
      >
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
