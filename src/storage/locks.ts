/** Web Locks: held by a tab, given up by the browser when the tab ends however it ends. */
import { nameOf } from "./errors.ts";

export interface LockRequest {
  readonly mode: "exclusive" | "shared";
  /** Do not wait where someone else holds it. */
  readonly ifAvailable?: boolean;
  readonly signal?: AbortSignal;
}

const nothing = (): void => undefined;

/** This page's locks; undefined over plain http and in old browsers. */
export function pageLocks(): LockManager | undefined {
  return "navigator" in globalThis && "locks" in navigator ? navigator.locks : undefined;
}

/**
 * Takes lock `name` and holds it until the function that comes back is called; undefined where someone else holds it and
 * `ifAvailable`. Where there are no locks, everyone gets it. Errors: AbortError after `signal`.
 */
export function holdLock(
  locks: LockManager | undefined,
  name: string,
  request: LockRequest,
): Promise<(() => void) | undefined> {
  if (!locks) return Promise.resolve(nothing);
  return new Promise((resolve, reject) => {
    locks
      .request(name, request, (lock) => {
        if (lock) return new Promise<void>((release) => resolve(release));
        return resolve(undefined);
      })
      .catch((error: unknown) => {
        // A page without an origin of its own (a sandboxed frame) has the function and may not call it.
        if (nameOf(error) === "SecurityError") resolve(nothing);
        else reject(error instanceof Error ? error : new Error(String(error)));
      });
  });
}
