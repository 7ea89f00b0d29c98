/** Every request the page made, the switch that stops them, and what is kept on this machine. */
import { useEffect, useRef } from "preact/hooks";
import { attempt } from "../../app/notices.ts";
import { lookAtStored, setOffline } from "../../app/privacy.ts";
import { strangersOf } from "../../domain/requests.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import { counted } from "../parts/format.ts";
import { RequestsView } from "./requestsView.tsx";
import { StoredView } from "./storedView.tsx";
import { amount, clock, switchOffWhy, wentOut } from "./words.ts";

export function PrivacyPanel({ close }: { readonly close: () => void }) {
  const app = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    void attempt(app, () => lookAtStored(app));
  }, []);
  return (
    <dialog ref={dialog} class="privacy-panel" aria-labelledby="privacy-title" onClose={close}>
      <div class="panel-head">
        <h2 id="privacy-title">Privacy</h2>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      <Summary />
      <OfflineSwitch />
      <RequestsView />
      <StoredView />
    </dialog>
  );
}

function Summary() {
  const { ledger } = useApp().privacy;
  const hosts = strangersOf(ledger.value).filter(({ requests, stayed }) => requests > stayed);
  const requests = wentOut(ledger.value);
  const sent = hosts.reduce((sum, host) => sum + host.sent, 0);
  const least = hosts.some(({ uncounted }) => uncounted > 0) ? "at least " : "";
  const since = clock(performance.timeOrigin);
  return (
    <p class="prose">
      <strong data-testid="privacy-summary">
        {requests === 0
          ? `Since ${since}, nothing went to another host.`
          : `Since ${since}, ${counted(requests, "request")} with ${least}${amount(sent)} went to ${counted(hosts.length, "other host")}.`}
      </strong>{" "}
      Search, training and everything built in need no other host. A language model, an encoder or a collection from
      elsewhere does, once you choose it; an endpoint reads the passages that it is asked about.
    </p>
  );
}

function OfflineSwitch() {
  const app = useApp();
  const { offline, guard } = app.privacy;
  const why = switchOffWhy(guard.value);
  return (
    <section aria-label="Offline">
      <Checkbox
        label="Offline"
        checked={offline.value}
        disabled={why !== undefined}
        change={(on) => void attempt(app, () => setOffline(app, on))}
      />
      <p class="quiet prose">
        {why ??
          "Switched on, no request of this page reaches another host, and its own files come from this machine. It stays so until you switch it off. Only the browser itself may still ask this page’s host for a newer version."}
      </p>
      {why !== undefined && offline.value && (
        <p class="prose">
          It was switched on before. Until it can be enforced, downloads and endpoints refuse by themselves; do not load
          a language model if nothing may go out.
        </p>
      )}
      {why === undefined && (
        <p class="quiet prose">
          The page, its collection and its encoders are kept on this machine and work without a network. What is large
          and not built in, as language models and the comparison of ONNX files, is kept when it is first used.
        </p>
      )}
    </section>
  );
}
