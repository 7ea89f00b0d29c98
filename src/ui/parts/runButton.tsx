/** The one main button of Data and Train. */
import { attempt } from "../../app/notices.ts";
import { startRun } from "../../app/run.ts";
import { useApp } from "../context.ts";

export function RunButton() {
  const app = useApp();
  const busy = app.run.phase.value !== "idle";
  return (
    <div class="primary-action">
      <button
        type="button"
        class="primary"
        disabled={!app.canRun.value}
        onClick={() => void attempt(app, () => startRun(app))}
      >
        Run
      </button>
      {busy && <span class="quiet">{app.run.record.value?.name} is under way: stop it to start another.</span>}
    </div>
  );
}
