/** Who sends, where to, what exactly, and the button that does it. */
import { useEffect, useId, useState } from "preact/hooks";
import { attempt, attemptTask } from "../../app/notices.ts";
import {
  addToExisting,
  getReady,
  kindOf,
  putTogether,
  repositoryOf,
  send,
  signInByToken,
  signOut,
  stopSending,
  tried,
} from "../../app/upload.ts";
import { keyOf, type UploadSubject } from "../../app/uploadState.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import { counted, size } from "../parts/format.ts";
import { Meter, progressWords } from "../parts/meter.tsx";
import { Select } from "../parts/select.tsx";
import type { UploadProps } from "./uploadBox.tsx";

export function UploadForm({ subject }: UploadProps) {
  const app = useApp();
  const { account, problem } = app.upload;
  useEffect(() => void attempt(app, () => getReady(app)), [app, keyOf(subject)]);
  return (
    <div class="upload-form">
      <p class="leaving" role="note">
        <strong>This leaves your machine.</strong> {leavingWords[subject.kind]} Nothing is sent before you press Send.
      </p>
      {account.value ? <SignedIn subject={subject} /> : <SignIn />}
      {problem.value !== undefined && <p role="alert">{problem.value}</p>}
    </div>
  );
}

const leavingWords = {
  encoder: "The encoder and its card go to huggingface.co; the card names the collection and its figures.",
  rows: "The texts themselves go to huggingface.co: queries, answers and decoys, word for word.",
} as const satisfies Record<UploadSubject["kind"], string>;

/** By the hub's own page where this one is registered there; by a token everywhere. */
function SignIn() {
  const { upload } = useApp();
  const { attempt: own, client } = upload;
  if (client.value === undefined) return <p class="quiet">One moment.</p>;
  if (client.value === "none") return <PasteToken />;
  return (
    <>
      {own.value ? (
        <p>
          <a class="button" href={own.value.url} target="_blank" rel="noopener noreferrer">
            Sign in with Hugging Face
          </a>
        </p>
      ) : (
        <p role="status">Signing in.</p>
      )}
      <p class="quiet">
        Opens in another tab. Decoy asks to create repositories and to write to those alone that it created. The
        permission is held until this page closes, and is never stored.
      </p>
      <details>
        <summary>With an access token instead</summary>
        <PasteToken />
      </details>
    </>
  );
}

function PasteToken() {
  const app = useApp();
  const id = useId();
  const [token, setToken] = useState("");
  function use(): void {
    setToken("");
    void attemptTask(app, "Asking the hub whose token it is", () => tried(app, () => signInByToken(app, token)));
  }
  return (
    <form
      class="upload-line"
      onSubmit={(event) => {
        event.preventDefault();
        use();
      }}
    >
      <div class="field">
        <label class="field-label" for={id}>
          Access token that may write
        </label>
        <input
          id={id}
          type="password"
          autocomplete="off"
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
      </div>
      <button type="submit" disabled={token.trim() === "" || app.task.value !== undefined}>
        Use token
      </button>
      <p class="quiet">
        Made under Settings, Access Tokens on huggingface.co. It is held until this page closes, and is never stored.
      </p>
    </form>
  );
}

function SignedIn({ subject }: UploadProps) {
  const app = useApp();
  const { account, plan, progress, done } = app.upload;
  const busy = app.task.value !== undefined;
  return (
    <>
      <p class="buttons">
        <span>Signed in as {account.value?.name}.</span>
        <button type="button" class="plain" onClick={() => void attempt(app, () => signOut(app))}>
          Sign out
        </button>
      </p>
      {account.value?.limits !== undefined && <p role="note">{account.value.limits}</p>}
      <Where subject={subject} />
      {!progress.value && (
        <button
          type="button"
          disabled={busy}
          onClick={() => void attemptTask(app, "Putting the files together", () => tried(app, () => putTogether(app)))}
        >
          {plan.value ? "Put the files together again" : "Put the files together"}
        </button>
      )}
      {plan.value && <Files subject={subject} />}
      {progress.value && <Sending />}
      {done.value && (
        <p role="status" data-testid="uploaded">
          It is there:{" "}
          <a href={done.value.url} target="_blank" rel="noopener noreferrer">
            {done.value.url.replace(/^https?:\/\//u, "")}
          </a>
        </p>
      )}
    </>
  );
}

function Where({ subject }: UploadProps) {
  const app = useApp();
  const id = useId();
  const { upload } = app;
  const fixed = upload.progress.value !== undefined;
  return (
    <fieldset class="upload-line" disabled={fixed}>
      <legend class="hidden">Where to</legend>
      <div class="field">
        <label class="field-label" for={id}>
          Repository, as owner/name
        </label>
        <input
          id={id}
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={upload.id.value}
          onInput={({ currentTarget }) => (upload.id.value = currentTarget.value)}
        />
      </div>
      <Select
        label="Who can see it"
        value={upload.isPrivate.value ? "private" : "public"}
        options={[
          ["private", "You alone (private)"],
          ["public", "Everyone (public)"],
        ]}
        choose={(value) => (upload.isPrivate.value = value === "private")}
      />
      {subject.kind === "rows" && (
        <Select
          label="Rows as"
          value={upload.format.value}
          options={[
            ["parquet", "Parquet"],
            ["jsonl", "JSON lines"],
          ]}
          choose={(value) => {
            upload.format.value = value;
            upload.plan.value = undefined;
          }}
        />
      )}
    </fieldset>
  );
}

/** Exactly what goes out: these files, in these sizes. */
function Files({ subject }: UploadProps) {
  const app = useApp();
  const { plan, id, isPrivate, existing, taken, progress } = app.upload;
  if (!plan.value) return null;
  const { files, bytes } = plan.value;
  const kind = kindOf(subject);
  const repository = repositoryOf({ kind, id: id.value.trim() });
  const known = existing.value.includes(repository);
  const to = `${known ? "the" : "a new"} ${isPrivate.value ? "private" : "public"} ${kind} ${id.value.trim()} on huggingface.co`;
  return (
    <>
      <ul class="upload-files" aria-label="Files to send">
        {files.map(({ path, blob }) => (
          <li key={path}>
            <code>{path}</code> <span class="quiet">{size(blob.size)}</span>
          </li>
        ))}
      </ul>
      {taken.value === repository && (
        <Checkbox
          label="It is there already: add these files to it"
          checked={known}
          change={(wanted) => addToExisting(app, repository, wanted)}
        />
      )}
      {!progress.value && (
        <>
          <p>
            {counted(files.length, "file")}, {size(bytes)}, to {to}.
          </p>
          <button
            type="button"
            disabled={app.task.value !== undefined || id.value.trim() === ""}
            onClick={() => void attempt(app, () => tried(app, () => send(app)))}
          >
            Send {counted(files.length, "file")}
          </button>
        </>
      )}
    </>
  );
}

function Sending() {
  const app = useApp();
  const { progress } = app.upload;
  if (!progress.value) return null;
  const { words, progress: bytes } = progress.value;
  return (
    <div class="upload-line" role="status">
      <p>
        {words}
        {bytes && `, ${progressWords(bytes)}`}
      </p>
      <Meter label="Sent" progress={bytes} />
      <button type="button" onClick={() => stopSending(app)}>
        Stop
      </button>
    </div>
  );
}
