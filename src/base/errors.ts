/**
 * What a person can do something about. One subclass for each such thing, next to the code that meets it; its message
 * says what happened, the numbers, and what to do. After a crossing between threads an error is a plain `Error` with the
 * same `name` and with `forPerson` still set: ask for the name there, not for the class.
 */
export abstract class UserError extends Error {
  abstract override readonly name: string;
  readonly forPerson = true;
}

/** Whether the message of `error` was written for the person at the page. */
export function isUserError(error: unknown): error is Error {
  return error instanceof Error && "forPerson" in error && error.forPerson === true;
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
