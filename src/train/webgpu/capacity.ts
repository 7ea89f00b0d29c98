/** How much room to plan for, so that the plan of one batch serves most of those that follow. */

const stepAt = (count: number): number => Math.max(64, 2 ** (Math.floor(Math.log2(Math.max(count, 1))) - 2));

/** The next of sizes that are at most a quarter apart: 64, 128, …, 256, 320, 384, 448, 512, 640, … */
export const roundUp = (count: number): number => Math.ceil(count / stepAt(count)) * stepAt(count);

/** The last of these sizes that is not more. */
export const roundDown = (count: number): number => Math.floor(count / stepAt(count)) * stepAt(count);

/** `have` if that is enough for `need`; otherwise `need` rounded up. */
export const enough = (have: number | undefined, need: number): number =>
  have !== undefined && need <= have ? have : roundUp(need);
