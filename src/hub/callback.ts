/** What the page that the hub leads back to passes on, and how. It is another tab of the same origin: no opener is needed. */

/** Of the BroadcastChannel. Every tab of this origin may listen; without the verifier a code is worth nothing (RFC 7636, 1). */
export const signInChannel = "decoy-sign-in";

/** RFC 6749, 4.1.2: a code, or an error with words; both with the state that was sent along. */
export interface SignInAnswer {
  readonly state: string;
  readonly code?: string;
  readonly error?: string;
}

/** The answer in the address that the hub led back to; undefined where there is none in it. */
export function answerIn(address: string): SignInAnswer | undefined {
  const { searchParams } = new URL(address);
  const [state, code, error] = [searchParams.get("state"), searchParams.get("code"), searchParams.get("error")];
  if (state === null) return undefined;
  if (error !== null) return { state, error: searchParams.get("error_description") ?? error };
  return code === null ? undefined : { state, code };
}

/** What came over the channel, which anything of this origin may write to; undefined where it is no answer. */
export function answerOf(message: unknown): SignInAnswer | undefined {
  if (typeof message !== "object" || message === null || !("state" in message)) return undefined;
  const { state } = message;
  const code = "code" in message ? message.code : undefined;
  const error = "error" in message ? message.error : undefined;
  if (typeof state !== "string") return undefined;
  if (typeof error === "string") return { state, error };
  return typeof code === "string" ? { state, code } : undefined;
}
