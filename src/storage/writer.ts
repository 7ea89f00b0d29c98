/** One tab writes; the others of the same browser look on. */
import { nameOf } from "./errors.ts";
import { holdLock } from "./locks.ts";

const lockName = "decoy-writer";

export interface WriterClaim {
  /** Whether this tab may write. True where the browser has no Web Locks. */
  readonly writer: boolean;
  /** Lets another tab write, or stops waiting. */
  release(): void;
  /** Resolves at once for the writer, for the others when the writer's tab has let go: claim again then. */
  readonly whenFree: Promise<void>;
}

export async function claimWriter(locks: LockManager | undefined): Promise<WriterClaim> {
  const release = await holdLock(locks, lockName, { mode: "exclusive", ifAvailable: true });
  if (release) return { writer: true, release, whenFree: Promise.resolve() };
  const waiting = new AbortController();
  return { writer: false, release: () => waiting.abort(), whenFree: turn(locks, waiting.signal) };
}

/** Waits for the lock and lets go of it again; for ever once `signal` is given. */
async function turn(locks: LockManager | undefined, signal: AbortSignal): Promise<void> {
  try {
    const release = await holdLock(locks, lockName, { mode: "exclusive", signal });
    release?.();
  } catch (error) {
    if (nameOf(error) !== "AbortError") throw error;
    await new Promise(() => undefined);
  }
}
