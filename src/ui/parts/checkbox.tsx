/** A checkbox with its label and the explanation of its word. */
import { useId } from "preact/hooks";
import type { GlossaryWord } from "./glossary.ts";
import { Explain } from "./term.tsx";

interface CheckboxProps {
  readonly label: string;
  readonly word?: GlossaryWord | undefined;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly change: (checked: boolean) => void;
}

export function Checkbox({ label, word, checked, disabled = false, change }: CheckboxProps) {
  const id = useId();
  return (
    <div class="field switch">
      <input
        id={id}
        type="checkbox"
        disabled={disabled}
        checked={checked}
        onChange={({ currentTarget }) => change(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {word && <Explain word={word} />}
    </div>
  );
}
