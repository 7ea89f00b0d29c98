/** A button that lets the person pick files, or a folder. */
import { useRef } from "preact/hooks";
import type { PickedFile } from "../../app/dependencies.ts";
import { pickedFiles } from "../../app/files.ts";

export interface PickerProps {
  readonly label: string;
  readonly pick: (files: readonly PickedFile[]) => void;
  readonly folder?: boolean;
  readonly accept?: string;
  readonly disabled?: boolean;
}

export function Picker({ label, pick, folder = false, accept, disabled = false }: PickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" disabled={disabled} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple={!folder}
        {...(folder ? { webkitdirectory: true } : {})}
        {...(accept === undefined ? {} : { accept })}
        aria-label={label}
        onChange={({ currentTarget }) => {
          pick(pickedFiles(currentTarget.files ?? []));
          // The same files may be picked again after they were corrected.
          currentTarget.value = "";
        }}
      />
    </>
  );
}
