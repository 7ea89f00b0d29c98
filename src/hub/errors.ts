/** What can go wrong between the page and the hub, a class for each thing that a person can do something about. */
import { UserError } from "../base/errors.ts";

/** No answer: offline, or something on the way refuses. */
export class HubUnreachable extends UserError {
  override readonly name = "HubUnreachable";
}

/** The hub wants somebody to be signed in, or to have agreed to terms. */
export class HubRefused extends UserError {
  override readonly name = "HubRefused";
}

/** There is no such encoder, revision or file, or the encoder has no weights that Decoy reads. */
export class NotOnHub extends UserError {
  override readonly name = "NotOnHub";
}

/** The hub answers, but not now. */
export class HubBusy extends UserError {
  override readonly name = "HubBusy";
}

/** What came is not the file: cut short, another length, another checksum, a web page. */
export class DamagedDownload extends UserError {
  override readonly name = "DamagedDownload";
}

/** The connection broke in the middle of a file; what came before is kept. */
export class BrokenOff extends UserError {
  override readonly name = "BrokenOff";
}

/** The hub, or the person, did not sign anybody in; or the sign-in has ended. */
export class SignInFailed extends UserError {
  override readonly name = "SignInFailed";
}

/** There is a repository of this name already, and it is not the one that was meant. */
export class RepositoryExists extends UserError {
  override readonly name = "RepositoryExists";
}

/** The hub took the request for none that it could fulfil, and says why. */
export class NotTaken extends UserError {
  override readonly name = "NotTaken";
}

const secondsOf = (after: string | null): string =>
  after !== null && /^\d+$/u.test(after) ? `${after} seconds` : "a few minutes";

/** The error of an answer that is none, by its status and the hub's own X-Error-Code. `what`: "intfloat/e5-base-v2, revision main". */
export function refusal({ status, headers }: Pick<Response, "status" | "headers">, what: string): UserError {
  const code = headers.get("x-error-code") ?? "";
  if (status === 429)
    return new HubBusy(
      `The hub answered 429 for ${what}: too many requests from this address. Wait ${secondsOf(headers.get("retry-after"))} and try again; what has arrived is kept.`,
    );
  if (status >= 500)
    return new HubBusy(
      `The hub answered ${status} for ${what}: it has a problem of its own. Try again in ${secondsOf(headers.get("retry-after"))}; what has arrived is kept.`,
    );
  if (status === 403 || code === "GatedRepo")
    return new HubRefused(
      `The hub answered ${status} for ${what}: its authors ask everyone to agree to their terms first. Agree to them on its page, download its files there, and open the folder here.`,
    );
  // The hub says 401, not 404, to somebody who is not signed in and asks for what does not exist.
  if (status === 401)
    return new HubRefused(
      `The hub answered 401 for ${what}: it does not exist, or is private. Check the spelling of owner/name; if it is private, download its files and open the folder here.`,
    );
  if (status === 404)
    return new NotOnHub(
      `The hub answered 404 for ${what}: ${code === "RevisionNotFound" ? "there is no such revision" : "there is nothing there"}. Check owner/name and the revision.`,
    );
  return new DamagedDownload(`The hub answered ${status} for ${what}, which is no answer to it. Try again later.`);
}

export interface Sending {
  /** "to create me/encoder" */
  readonly what: string;
  /** The hub's own words, where it gave any. */
  readonly said: string | undefined;
}

/** The error of an answer that refuses what was sent. */
export function sendRefusal(
  { status, headers }: Pick<Response, "status" | "headers">,
  { what, said }: Sending,
): UserError {
  const words = said === undefined ? "" : ` It says: “${said.slice(0, 300)}”.`;
  const answered = `The hub answered ${status} to ${what}.${words}`;
  if (status === 401)
    return new SignInFailed(
      `${answered} The sign-in has ended or the token is wrong: sign in again. What is there already is not sent again.`,
    );
  if (status === 403)
    return new HubRefused(
      `${answered} This sign-in may not do that: a sign-in from here reaches repositories that it created itself, under your own name; a token must have the permission to write. Choose another name, or use such a token.`,
    );
  if (status === 409) return new RepositoryExists(`${answered} There is something of this name already.`);
  if (status === 404)
    return new NotOnHub(`${answered} It is not there, or this sign-in may not see it. Check owner/name.`);
  if (status === 413)
    return new NotTaken(
      `${answered} It is too large for the hub in one piece. Send fewer files, or use its own tools.`,
    );
  if (status === 429)
    return new HubBusy(
      `${answered} Too many requests. Wait ${secondsOf(headers.get("retry-after"))} and send again: what is there already is not sent again.`,
    );
  if (status >= 500)
    return new HubBusy(
      `${answered} It has a problem of its own. Send again in ${secondsOf(headers.get("retry-after"))}: what is there already is not sent again.`,
    );
  return new NotTaken(`${answered} Nothing more was sent.`);
}
