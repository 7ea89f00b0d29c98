/** Telling the hub something: who asks, words for a refusal, another try where that may help, an end where it is stopped. */
import { messageOf } from "../base/errors.ts";
import { refuseOffline } from "../base/offline.ts";
import { HubUnreachable, NotTaken, sendRefusal } from "./errors.ts";
import { textField } from "./fields.ts";
import { beforeTry, type Hub } from "./request.ts";

/** A connection to the hub. */
export interface Line {
  readonly hub: Hub;
  readonly fetch: typeof globalThis.fetch;
  /** The token of whoever asks; nobody's where left out. */
  readonly bearer?: () => string;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
}

export interface Question {
  /** Behind the hub's address; or the whole address of another place that the hub named, which is told no token. */
  readonly path: string;
  /** In errors: "the sign-in". */
  readonly what: string;
  /** Left out: a GET. */
  readonly body?: { readonly type: string; readonly content: string };
  readonly accept?: string;
  /** The address says itself who asks: no token. */
  readonly signed?: boolean;
  /** No other try: the answer would be another. */
  readonly once?: boolean;
}

export const jsonBody = (value: unknown, type = "application/json") => ({ type, content: JSON.stringify(value) });

/** Ends with the first of the two. */
const either = (signal: AbortSignal | undefined, ms: number): AbortSignal =>
  AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(ms)]);

/** A commit of many files takes the hub longer than silence on a download may last. */
const patience = 4;

async function answered({ hub, fetch, bearer, signal }: Line, question: Question): Promise<Response> {
  const url = new URL(question.path, hub.base);
  const known = question.signed !== true && url.origin === new URL(hub.base).origin;
  const { body } = question;
  refuseOffline(url.host);
  try {
    return await fetch(url, {
      method: body ? "POST" : "GET",
      ...(body && { body: body.content }),
      headers: {
        ...(body && { "content-type": body.type }),
        ...(question.accept !== undefined && { accept: question.accept }),
        // Storage has signed addresses of its own; the token is the hub's business alone.
        ...(bearer && known && { authorization: `Bearer ${bearer()}` }),
      },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: either(signal, patience * hub.silence),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new HubUnreachable(
      `${url.host} did not answer (${messageOf(cause)}). Check the connection; a firewall or an extension may also block it. What is there already is not sent again.`,
      { cause },
    );
  }
}

/** The hub says why in "error", the token endpoint in "error_description". */
async function wordsIn(response: Response): Promise<string | undefined> {
  const value: unknown = await response.json().catch(() => undefined);
  return textField(value, "error_description") ?? textField(value, "error") ?? textField(value, "message");
}

async function askOnce(line: Line, question: Question): Promise<unknown> {
  const response = await answered(line, question);
  if (!response.ok) throw sendRefusal(response, { what: question.what, said: await wordsIn(response) });
  const text = await response.text();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new NotTaken(
      `What came back to ${question.what} is no answer of the hub (${text.slice(0, 40)}…). The network may want you to sign in first: open any page, then send again.`,
    );
  }
}

/** The JSON of the answer; undefined where it is empty. Errors: those of sendRefusal, HubUnreachable, NotTaken. */
export async function ask(line: Line, question: Question): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    line.signal?.throwIfAborted();
    try {
      return await askOnce(line, question);
    } catch (error) {
      line.signal?.throwIfAborted();
      if (question.once === true) throw error;
      await beforeTry(line.hub, tries, error);
    }
  }
}
