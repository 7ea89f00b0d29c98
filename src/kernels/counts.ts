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
}

/** Words of the uniform `Counts`. */
export const COUNTS = 8;

/** The uniform `Counts` of the kernels: T, S, B, blocks, seed, firstToken. */
export const countsUniform = ({ T, S, B, blocks, seed = 0, firstToken = 0 }: Counts): Uint32Array<ArrayBuffer> =>
  new Uint32Array([T, S, B, blocks, seed, firstToken, 0, 0]);

/** Tokens in a block of the attention kernels. */
export const BLOCK = 32;
