/**
 * Passes on what a stage reports, each report through `map`, and returns what it made. A stop reaches the stage. `timed`
 * gets the seconds of the stage's own work: while a report is being looked at, or a pause lasts, the clock stands.
 */
export async function* relay<Report, Passed, Output>(
  stage: AsyncGenerator<Report, Output, void>,
  map: (report: Report) => Passed,
  timed: (seconds: number) => void = () => undefined,
): AsyncGenerator<Passed, Output, void> {
  let open = true;
  async function ask(): Promise<IteratorResult<Report, Output>> {
    const start = performance.now();
    const result = await stage.next();
    timed((performance.now() - start) / 1000);
    if (result.done) open = false;
    return result;
  }
  try {
    let result = await ask();
    for (; !result.done; result = await ask()) yield map(result.value);
    return result.value;
  } finally {
    if (open) await stage.return(undefined as never);
  }
}
