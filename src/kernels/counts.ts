/** The sizes that change from batch to batch. Kernels see the first four; the others only say how much to dispatch. */
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
}

/** The uniform `Counts` of the kernels. */
export const countsUniform = ({ T, S, B, blocks }: Counts): Uint32Array<ArrayBuffer> =>
  new Uint32Array([T, S, B, blocks]);

/** Tokens in a block of the attention kernels. */
export const BLOCK = 32;
