/** The way to the panel "Privacy", with what it says in two words. The panel itself is loaded when it is opened. */
import { useState } from "preact/hooks";
import { attempt } from "../../app/notices.ts";
import { useApp } from "../context.ts";
import { shortState } from "./words.ts";

type Panel = (typeof import("./privacyPanel.tsx"))["PrivacyPanel"];

export function PrivacyButton() {
  const app = useApp();
  const { ledger, offline } = app.privacy;
  // In an object: a function would be taken for one that makes the next state.
  const [loaded, setLoaded] = useState<{ readonly Panel: Panel } | undefined>();
  const [open, setOpen] = useState(false);
  const show = () =>
    attempt(app, async () => {
      if (!loaded) setLoaded({ Panel: (await import("./privacyPanel.tsx")).PrivacyPanel });
      setOpen(true);
    });
  return (
    <>
      <button type="button" class="plain privacy" aria-haspopup="dialog" onClick={() => void show()}>
        <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
          <path
            d="M10 2.5 16 5v5c0 4-2.5 6.5-6 7.5-3.5-1-6-3.5-6-7.5V5Z"
            fill={offline.value ? "currentColor" : "none"}
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linejoin="round"
          />
        </svg>
        <span>
          Privacy<span class="wide-only">: {shortState(ledger.value, offline.value)}</span>
        </span>
      </button>
      {open && loaded && <loaded.Panel close={() => setOpen(false)} />}
    </>
  );
}
