import { downloadLeft, type HubDownload } from "../../app/hub.ts";
import { useApp } from "../context.ts";
import { duration } from "../parts/format.ts";
import { Meter, progressWords } from "../parts/meter.tsx";

/** A download as it goes, in bytes. */
export function HubProgress({ download }: { readonly download: HubDownload }) {
  const app = useApp();
  const { id, progress, stop } = download;
  const label = `Downloading ${id}`;
  const bytes = progress && ({ done: progress.loaded, total: progress.total, unit: "bytes" } as const);
  const left = downloadLeft(download, app.deps.now().getTime());
  return (
    <div class="drop">
      <p class="hidden" role="status">
        {label}
      </p>
      <p>
        {label}
        {bytes && progress && `: ${progressWords(bytes)}, ${progress.path}`}
        {left !== undefined && `, about ${duration(left)} left`}
      </p>
      <Meter label={label} progress={bytes} />
      <button type="button" onClick={stop}>
        Stop; what came is kept
      </button>
    </div>
  );
}
