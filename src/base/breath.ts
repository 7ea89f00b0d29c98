/** Letting other tasks have their turn during long work on one thread: timers, messages, drawing, a stop. */

/** Milliseconds of work between two turns. */
export const breath = 30;

/** Resolves when the tasks that wait have had their turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * Does work that yields now and then. Of its reports those are passed on after which others had their turn. `most`:
 * milliseconds of work between two turns.
 */
export async function* breathing<Report, Output>(
  work: Generator<Report, Output, void>,
  most = breath,
): AsyncGenerator<Report, Output, void> {
  let worked = performance.now();
  let result = work.next();
  for (; !result.done; result = work.next()) {
    if (performance.now() - worked < most) continue;
    yield result.value;
    await turn();
    worked = performance.now();
  }
  return result.value;
}
