/** How much lies on this machine, and whether the browser may clear it away. */
import { attempt } from "../../app/notices.ts";
import { askToKeep } from "../../app/privacy.ts";
import { useApp } from "../context.ts";
import { amount, storedWords } from "./words.ts";

export function StoredView() {
  const app = useApp();
  const { stored, keepRefused } = app.privacy;
  const { kinds, persistent } = stored.value ?? { kinds: [], persistent: false };
  return (
    <section aria-labelledby="privacy-stored">
      <h3 id="privacy-stored">On this machine</h3>
      {stored.value === undefined ? (
        <p class="quiet">The browser does not say how much is stored.</p>
      ) : (
        <dl class="stored">
          {kinds.map(({ kind, bytes }) => (
            <div key={kind}>
              <dt>{kinds.length === 1 ? "All that is stored" : storedWords[kind]}</dt>
              <dd>{amount(bytes)}</dd>
            </div>
          ))}
        </dl>
      )}
      {persistent ? (
        <p class="prose">The browser has promised to keep it until you clear this page’s data.</p>
      ) : (
        <>
          <p class="prose">
            The browser may clear it away when room gets short.
            {keepRefused.value &&
              " It was asked to keep it and has not promised to: browsers do so for pages that are installed, bookmarked or often used. Save everything from time to time."}
          </p>
          <div class="buttons">
            <button type="button" onClick={() => void attempt(app, () => askToKeep(app))}>
              Keep it
            </button>
          </div>
        </>
      )}
    </section>
  );
}
