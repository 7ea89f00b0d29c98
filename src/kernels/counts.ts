/** The sizes that change from batch to batch. `words` and `positions` only say how much to dispatch. */
export interface Counts {
  /** Tokens. */
  readonly T: number;
  /** Texts. */
  readonly S: number;
  /** Queries. */
  readonly B: number;
  /** Blocks of {@link BLOCK} tokens of one text. */
  readonly blocks: number;
  /** Distinct token ids. */
  readonly words: number;
  /** Distinct positions. */
  readonly positions: number;
  /** Of this step's dropout, 32 bits; 0 if left out. */
  readonly seed?: number;
  /** Number of the first token among all of the step; 0 if left out. Dropout counts by it, so that parts drop what the whole does. */
  readonly firstToken?: number;
  /** Vectors that the loss is on: those of the texts and fixed ones. {@link S} if left out. */
  readonly vectors?: number;
  /** The batch's number in its step, and how many there are; 0 of 1 if left out. */
  readonly batch?: number;
  readonly batches?: number;
}

/** Words of the uniform `Counts`. */
export const COUNTS = 8;

/** The uniform `Counts` of the kernels: T, S, B, blocks, seed, firstToken, batch, batches. */
export function countsUniform(counts: Counts): Uint32Array<ArrayBuffer> {
  const { T, S, B, blocks, seed = 0, firstToken = 0, batch = 0, batches = 1 } = counts;
  return new Uint32Array([T, S, B, blocks, seed, firstToken, batch, batches]);
}

/** Tokens in a block of the attention kernels. */
export const BLOCK = 32;
