/** All that the page does when something goes to the hub; loaded when it is first wanted. */
import {
  finishSignIn,
  accountOf,
  beginSignIn,
  type Account,
  type Attempt,
  type Client,
  type Secrets,
} from "./oauth.ts";
import { answerOf, signInChannel, type SignInAnswer } from "./callback.ts";
import { listField, textField } from "./fields.ts";
import type { UploadFile } from "./largeFiles.ts";
import type { Put } from "./put.ts";
import { nameFrom, type Target } from "./repository.ts";
import type { Hub } from "./request.ts";
import { upload, type Uploaded, type UploadReport } from "./upload.ts";

export interface Outgoing {
  readonly account: Account;
  readonly target: Target;
  readonly files: readonly UploadFile[];
  readonly existing: boolean;
  readonly summary: string;
  readonly signal: AbortSignal;
}

export interface Uploads {
  /** Undefined where nobody registered this page with the hub: then a token is pasted. */
  client(): Promise<Client | undefined>;
  begin(client: Client): Attempt;
  /** Hears the page that the hub leads back to, until the returned function is called. */
  listen(hear: (answer: SignInAnswer) => void): () => void;
  finish(attempt: Attempt, answer: SignInAnswer): Promise<Account>;
  useToken(token: string): Promise<Account>;
  /** "owner/name" of a free text; free of what the hub refuses, not of what is taken. */
  suggest(owner: string, text: string): string;
  send(outgoing: Outgoing): AsyncGenerator<UploadReport, Uploaded, void>;
}

interface UploadsInput {
  readonly hub: Hub;
  readonly fetch: typeof globalThis.fetch;
  readonly put: Put;
  readonly secrets: Secrets;
  /** The address of the page, that of hub.json and signed-in.html beside it. */
  readonly page: string;
}

/** What whoever hosts the page wrote into hub.json, where the hub would lead back to this very page. */
async function clientIn({ fetch, page }: UploadsInput): Promise<Client | undefined> {
  const redirect = new URL("signed-in.html", page).href;
  const file: unknown = await fetch(new URL("hub.json", page))
    .then((response) => (response.ok ? response.json() : undefined))
    .catch(() => undefined);
  const id = textField(file, "client_id") ?? "";
  const registered = listField(file, "redirect_uris");
  return id === "" || (registered.length > 0 && !registered.includes(redirect)) ? undefined : { id, redirect };
}

function listen(hear: (answer: SignInAnswer) => void): () => void {
  const channel = new BroadcastChannel(signInChannel);
  channel.addEventListener("message", ({ data }) => {
    const answer = answerOf(data);
    if (answer) hear(answer);
  });
  return () => channel.close();
}

export function createUploads(input: UploadsInput): Uploads {
  const { hub, fetch, put, secrets } = input;
  const line = { hub, fetch };
  return {
    client: () => clientIn(input),
    begin: (client) => beginSignIn(hub.base, client, secrets),
    listen,
    finish: async (attempt, answer) => accountOf(line, await finishSignIn(line, attempt, answer)),
    useToken: (token) => accountOf(line, token.trim()),
    suggest: (owner, text) => `${owner}/${nameFrom(text)}`,
    send: ({ account: { bearer }, signal, ...rest }) => upload({ line: { ...line, bearer, signal }, put, ...rest }),
  };
}
