/**
 * Signing in to the hub as a public client: the authorization code flow (RFC 6749, 4.1) with PKCE by S256 (RFC 7636).
 * The hub's own facts are of its documentation "Sign in with Hugging Face": the addresses, the scopes, that a client without
 * a secret sends its id in the body, and that the id may be the address of a metadata document. A token lasts for hours,
 * there is none to renew it with, and it lives in the closure that {@link Account} is, nowhere else.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { base64Url, fromBase64Url } from "./base64.ts";
import type { SignInAnswer } from "./callback.ts";
import { SignInFailed } from "./errors.ts";
import { field, textField } from "./fields.ts";
import { ask, type Line } from "./send.ts";

/**
 * The least that can create a repository and write to it: "contribute-repos" reaches those that this client created, and no
 * other. The first two give the name to show.
 */
export const scopes = "openid profile contribute-repos";

/** Who signs people in: whoever hosts the page registers it, or names the document that does (public/hub.json). */
export interface Client {
  readonly id: string;
  /** The address of signed-in.html, exactly as it is registered. */
  readonly redirect: string;
}

/** One try to sign in. The verifier never leaves the page before the code is exchanged. */
export interface Attempt {
  /** To be opened in another tab. */
  readonly url: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly client: Client;
}

/** Bytes that nobody can guess. Not of base/random.ts: a seeded generator can be run again. */
export type Secrets = (bytes: number) => Uint8Array;

/** RFC 7636, 4.2. */
export const challengeOf = (verifier: string): string => base64Url(sha256(utf8ToBytes(verifier)));

export function beginSignIn(base: string, client: Client, secrets: Secrets): Attempt {
  const [state, nonce, verifier] = [base64Url(secrets(16)), base64Url(secrets(16)), base64Url(secrets(32))];
  const query = new URLSearchParams({
    client_id: client.id,
    redirect_uri: client.redirect,
    response_type: "code",
    scope: scopes,
    state,
    nonce,
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256",
  });
  return { url: `${base}/oauth/authorize?${query}`, state, nonce, verifier, client };
}

/**
 * The claims of an ID token. Its signature needs no check where it comes from the token endpoint itself (OpenID Connect
 * Core, 3.1.3.7, 6).
 */
function claimsOf(idToken: string): unknown {
  try {
    return JSON.parse(fromBase64Url(idToken.split(".")[1] ?? ""));
  } catch {
    throw new SignInFailed("The hub's answer to the sign-in cannot be read. Try again, or use an access token.");
  }
}

const notOurs = (what: string): SignInFailed =>
  new SignInFailed(
    `The answer to the sign-in is to another question: its ${what} is not ours. Nothing was kept of it.`,
  );

/**
 * The access token for the code that the hub led back with. Errors: SignInFailed where the person or the hub refused, or
 * where state or nonce are not those of the attempt; those of {@link ask}.
 */
export async function finishSignIn(line: Line, attempt: Attempt, answer: SignInAnswer): Promise<string> {
  const { client, state, nonce, verifier } = attempt;
  if (answer.state !== state) throw notOurs("state");
  if (answer.code === undefined)
    throw new SignInFailed(
      `The hub did not sign you in: ${(answer.error ?? "no reason given").slice(0, 200)}. Try again.`,
    );
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code: answer.code,
    redirect_uri: client.redirect,
    client_id: client.id,
    code_verifier: verifier,
  });
  const form = { type: "application/x-www-form-urlencoded", content: body.toString() };
  const given = await ask(line, { path: "/oauth/token", what: "the sign-in", body: form, once: true });
  const token = textField(given, "access_token");
  if (token === undefined) throw new SignInFailed("The hub answered the sign-in without a token. Try again later.");
  const idToken = textField(given, "id_token");
  if (idToken !== undefined) {
    const said = textField(claimsOf(idToken), "nonce");
    // PKCE ties the code to this page already; a provider may leave the nonce out, but never give another.
    if (said !== undefined && said !== nonce) throw notOurs("nonce");
  }
  return token;
}

/** Somebody who is signed in. The token is in closures alone: nothing that is shown, stored or written out can hold it. */
export interface Account {
  readonly name: string;
  /** What a pasted token may not do, in words. */
  readonly limits: string | undefined;
  readonly bearer: () => string;
}

/** Whose token it is. Errors: those of {@link ask}; SignInFailed where it is nobody's. */
export async function accountOf(line: Line, token: string): Promise<Account> {
  const who = await ask(
    { ...line, bearer: () => token },
    { path: "/api/whoami-v2", what: "the access token", once: true },
  );
  const name = textField(who, "name");
  if (name === undefined)
    throw new SignInFailed("The hub does not say whose token this is. Make a new one and try again.");
  // "read", "write" or "fineGrained"; a token of a sign-in has none.
  const role = textField(field(field(who, "auth"), "accessToken"), "role");
  const limits =
    role === "read" ? "This token may only read: sending will be refused. Make one that may write." : undefined;
  return { name, limits, bearer: () => token };
}
