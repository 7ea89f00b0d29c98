/** Times a stage by its own work: while a report is being looked at, or a pause lasts, the clock stands. */
export async function* clocked<Report, Output>(
  stage: AsyncGenerator<Report, Output, void>,
  add: (seconds: number) => void,
): AsyncGenerator<Report, Output, void> {
  let ended = false;
  const next = async () => {
    const start = performance.now();
    const result = await stage.next();
    add((performance.now() - start) / 1000);
    return result;
  };
  try {
    let result = await next();
    for (; !result.done; result = await next()) yield result.value;
    ended = true;
    return result.value;
  } catch (error) {
    ended = true;
    throw error;
  } finally {
    // Reached with a stage still open only when the consumer stops: the stage then frees what it holds.
    if (!ended) await stage.return(undefined as never);
  }
}
