/** Sending an encoder or rows to the hub. Nothing is asked of it before somebody signs in, nothing sent before they press Send. */
import { present } from "../base/assert.ts";
import { isUserError } from "../base/errors.ts";
import type { RunRecord } from "../domain/run.ts";
import type { SignInAnswer } from "../hub/callback.ts";
import type { Account } from "../hub/oauth.ts";
import type { Target } from "../hub/repository.ts";
import type { UploadReport } from "../hub/upload.ts";
import type { App } from "./app.ts";
import { encoderZip } from "./encoderExport.ts";
import { rowsOfRun, rowsWritten } from "./exports.ts";
import { attempt } from "./notices.ts";
import { keyOf, type UploadSubject } from "./uploadState.ts";

/** Does what a person asked for; what they can do something about is told beside the button, not at the top of the page. */
export async function tried(app: App, act: () => Promise<void>): Promise<void> {
  const { problem } = app.upload;
  problem.value = undefined;
  try {
    await act();
  } catch (error) {
    if (!isUserError(error)) throw error;
    problem.value = error.message;
  }
}

/** Suggests a name to whoever is signed in; a new attempt to sign in for others, and an ear for its answer. */
export async function getReady(app: App): Promise<void> {
  const { upload } = app;
  const uploads = await app.deps.uploads();
  const { subject, account, session } = upload;
  if (!subject.value) return;
  if (account.value) {
    if (upload.id.value === "") upload.id.value = uploads.suggest(account.value.name, titleOf(app, subject.value));
    return;
  }
  const client = (await uploads.client()) ?? "none";
  upload.client.value = client;
  // Folded away, or signed in by a token meanwhile.
  if (client === "none" || !subject.value || account.value) return;
  upload.attempt.value = uploads.begin(client);
  session.unlisten ??= uploads.listen((answer) => void attempt(app, () => answered(app, answer)));
}

/** Answers to other tabs' attempts come over the same channel. */
async function answered(app: App, answer: SignInAnswer): Promise<void> {
  const { upload, deps } = app;
  const own = upload.attempt.value;
  if (own === undefined || answer.state !== own.state) return;
  upload.attempt.value = undefined;
  await tried(app, async () => {
    const uploads = await deps.uploads();
    await signedIn(app, await uploads.finish(own, answer));
  });
  if (!upload.account.value) await getReady(app);
}

export async function signInByToken(app: App, token: string): Promise<void> {
  const uploads = await app.deps.uploads();
  await signedIn(app, await uploads.useToken(token));
}

async function signedIn(app: App, account: Account): Promise<void> {
  const { upload } = app;
  upload.account.value = account;
  upload.attempt.value = undefined;
  upload.session.unlisten?.();
  upload.session.unlisten = undefined;
  await getReady(app);
}

/** The token is gone with the account: nothing else holds it. */
export async function signOut(app: App): Promise<void> {
  const { upload } = app;
  upload.session.stop?.abort(new Stopped());
  [upload.account.value, upload.id.value] = [undefined, ""];
  await getReady(app);
}

function titleOf({ collections }: App, { kind, run }: UploadSubject): string {
  if (run) return kind === "encoder" ? `${run.encoderName} ${run.collectionName}` : `${run.collectionName} rows`;
  const { selected, list } = collections;
  return `${list.value.find(({ id }) => id === selected.value)?.name ?? "decoy"} rows`;
}

const rowsOf = (app: App, run: RunRecord | undefined) => (run ? rowsOfRun(app, run) : rowsWritten(app));

/** Makes the files, here: the same as those of a download. */
export async function putTogether(app: App): Promise<void> {
  const { upload } = app;
  const subject = present(upload.subject.value, "what to send");
  [upload.plan.value, upload.done.value] = [undefined, undefined];
  const { encoderFiles, rowFiles } = await import("./uploadFiles.ts");
  const files =
    subject.kind === "encoder"
      ? await encoderFiles(await encoderZip(app, subject.run))
      : await rowFiles(app, await rowsOf(app, subject.run), upload.format.value);
  const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
  upload.plan.value = { subject: keyOf(subject), files, bytes };
}

class Stopped extends Error {}

export function stopSending({ upload }: App): void {
  upload.session.stop?.abort(new Stopped());
}

export const kindOf = ({ kind }: UploadSubject): Target["kind"] => (kind === "encoder" ? "model" : "dataset");

/** Sends what the plan lists, to the name that stands there. */
export async function send(app: App): Promise<void> {
  const { upload } = app;
  const account = present(upload.account.value, "an account");
  const { files } = present(upload.plan.value, "what to send");
  const kind = kindOf(present(upload.subject.value, "what to send"));
  const target: Target = { kind, id: upload.id.value.trim(), isPrivate: upload.isPrivate.value };
  const existing = upload.existing.value.includes(repositoryOf(target));
  const stop = new AbortController();
  upload.session.stop = stop;
  [upload.done.value, upload.taken.value] = [undefined, undefined];
  upload.progress.value = { words: "Asking the hub", progress: undefined };
  try {
    const uploads = await app.deps.uploads();
    const summary = kind === "model" ? "Add an encoder fine-tuned by Decoy" : "Add training rows made by Decoy";
    const sending = uploads.send({ account, target, files, existing, summary, signal: stop.signal });
    let result = await sending.next();
    for (; !result.done; result = await sending.next()) receive(app, target, result.value);
    upload.done.value = result.value;
  } catch (error) {
    if (error instanceof Stopped) return;
    endedBy(app, target, error);
    throw error;
  } finally {
    [upload.progress.value, upload.session.stop] = [undefined, undefined];
  }
}

/** A model and a dataset may have the same name. */
export const repositoryOf = ({ kind, id }: Pick<Target, "kind" | "id">): string => `${kind} ${id}`;

/** From then on the files are meant for what is there. */
export function addToExisting({ upload }: App, repository: string, wanted: boolean): void {
  const others = upload.existing.value.filter((other) => other !== repository);
  upload.existing.value = wanted ? [...others, repository] : others;
}

function receive(app: App, target: Target, report: UploadReport): void {
  const { upload } = app;
  switch (report.kind) {
    case "created":
      return addToExisting(app, repositoryOf(target), true);
    case "there":
      return;
    case "progress": {
      const words = report.doing === "hashing" ? "Computing checksums" : `Sending to ${target.id}`;
      upload.progress.value = { words, progress: { done: report.done, total: report.total, unit: "bytes" } };
      return;
    }
    default:
      return report satisfies never;
  }
}

function endedBy(app: App, target: Target, error: unknown): void {
  const { upload } = app;
  if (!(error instanceof Error)) return;
  if (error.name === "RepositoryExists") upload.taken.value = repositoryOf(target);
  if (error.name === "SignInFailed") void attempt(app, () => signOut(app));
}
