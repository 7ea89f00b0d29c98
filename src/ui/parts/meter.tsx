import type { Progress } from "../../domain/stages.ts";
import { whole } from "./format.ts";

/** "400 of 3,200 documents"; bytes as MB. */
export function progressWords({ done, total, unit }: Progress): string {
  if (unit === "bytes") return `${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
  return `${whole(done)} of ${whole(total)} ${unit}`;
}

/** A native progress bar; without progress it only says that something goes on. */
export function Meter({ label, progress }: { readonly label: string; readonly progress: Progress | undefined }) {
  if (!progress) return <progress class="meter" aria-label={label} />;
  return <progress class="meter" aria-label={label} value={progress.done} max={Math.max(1, progress.total)} />;
}
