/** What a callback says as reports of a generator: of several that come between two looks, the last. */
export async function* progressOf<T>(
  start: (report: (value: number) => void) => Promise<T>,
): AsyncGenerator<number, T, void> {
  let [latest, told]: [number, number] = [0, 0];
  let wake = (): void => undefined;
  const state = { over: false };
  const work = start((value) => {
    latest = value;
    wake();
  }).finally(() => {
    state.over = true;
    wake();
  });
  // Whoever awaits the work below gets its error; until then it must not count as nobody's.
  work.catch(() => undefined);
  while (!state.over) {
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (state.over || latest !== told) resolve();
    });
    if (latest === told) continue;
    told = latest;
    yield latest;
  }
  return await work;
}
