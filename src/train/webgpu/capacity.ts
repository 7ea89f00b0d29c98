/** How much room to plan for, so that the plan of one batch serves most of those that follow. */

/** The next of sizes that are at most a quarter apart: 64, 128, …, 256, 320, 384, 448, 512, 640, … */
export function roundUp(count: number): number {
  const step = Math.max(64, 2 ** (Math.floor(Math.log2(Math.max(count, 1))) - 2));
  return Math.ceil(count / step) * step;
}

type Room = Readonly<Record<string, number>>;

/** `current` if it has room for `needed`; otherwise room for both, rounded up. */
export function grown<T extends Room>(current: T | undefined, needed: T): T {
  const fits = (name: string) => (current?.[name] ?? 0) >= (needed[name] ?? 0);
  if (current && Object.keys(needed).every(fits)) return current;
  const larger: Record<string, number> = {};
  for (const name of Object.keys(needed)) larger[name] = Math.max(current?.[name] ?? 0, roundUp(needed[name] ?? 0));
  return larger as T;
}
