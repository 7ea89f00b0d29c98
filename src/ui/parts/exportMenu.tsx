/** What can be given out, folded away: one line each, and what is in it. */
import type { ComponentChildren } from "preact";
import { attemptTask } from "../../app/notices.ts";
import type { RowFormat } from "../../app/exportFiles.ts";
import { useApp } from "../context.ts";

export interface ExportItem {
  readonly label: string;
  readonly about: string;
  readonly act: () => Promise<void>;
}

interface ExportMenuProps {
  readonly label: string;
  readonly items: readonly ExportItem[];
  /** Below the files. */
  readonly children?: ComponentChildren;
}

export function ExportMenu({ label, items, children }: ExportMenuProps) {
  const app = useApp();
  const disabled = app.task.value !== undefined;
  return (
    <details class="menu">
      <summary>{label}</summary>
      <ul>
        {items.map(({ label, about, act }) => (
          <li key={label}>
            <button
              type="button"
              class="plain"
              disabled={disabled}
              onClick={() => void attemptTask(app, "Writing the file", act)}
            >
              {label}
            </button>
            <span class="quiet">{about}</span>
          </li>
        ))}
      </ul>
      {children}
    </details>
  );
}

/** Training rows in the formats that trainers read. */
export const rowItems = (give: (format: RowFormat) => Promise<void>): readonly ExportItem[] => [
  {
    label: "Training rows, JSON lines",
    about: "anchor, positive, negatives for sentence-transformers; where each comes from beside it",
    act: () => give("jsonl"),
  },
  { label: "Training rows, Parquet", about: "the same, smaller and typed", act: () => give("parquet") },
  { label: "Training rows, FlagEmbedding", about: "query, pos, neg on each line", act: () => give("flagembedding") },
];
