/** Runs a generator to its end. */
export function last<T>(steps: Generator<unknown, T>): T {
  let result = steps.next();
  while (!result.done) result = steps.next();
  return result.value;
}
