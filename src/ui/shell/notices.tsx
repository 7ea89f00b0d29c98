/** What is told in passing, and what holds for the whole visit. */
import { type Notice, dismiss } from "../../app/notices.ts";
import { useApp } from "../context.ts";

export function Notices() {
  const { deps, notices, task } = useApp();
  return (
    <div class="notices">
      {!deps.writer && (
        <p class="notice" role="status">
          Decoy is open in another tab, which stores its work. Here you can look and search. Close the other tab and
          reload this one to work here.
        </p>
      )}
      {task.value !== undefined && (
        <p class="notice" role="status">
          {task.value}
        </p>
      )}
      {notices.value.map((notice) => (
        <NoticeView key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function NoticeView({ notice }: { readonly notice: Notice }) {
  const app = useApp();
  const { kind, text, detail, action } = notice;
  return (
    <div class={`notice ${kind}`} role={kind === "done" ? "status" : "alert"}>
      <div class="notice-text">
        <p>{text}</p>
        {detail !== undefined && (
          <details>
            <summary>Technical text</summary>
            <pre tabindex={0}>{detail}</pre>
          </details>
        )}
      </div>
      <div class="buttons">
        {action && (
          <button
            type="button"
            onClick={() => {
              dismiss(app, notice);
              action.act();
            }}
          >
            {action.label}
          </button>
        )}
        <button type="button" class="plain" onClick={() => dismiss(app, notice)}>
          Dismiss
        </button>
      </div>
    </div>
  );
}
