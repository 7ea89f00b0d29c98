/** How many documents the GPU searches at once: as many as fit its buffer, its time and the list of likely pairs. */

/** Milliseconds that a block should take: a page that draws on the same GPU loses one picture of sixty a second. */
const target = 15;
/** Multiplications of the first block: some 15 ms on a GPU of 140 GFLOP/s. */
const firstWork = 2 ** 30;
/** A smaller block would leave the CPU waiting for the GPU to answer rather than to compute. */
const fewest = 256;

interface Searched {
  readonly queries: number;
  readonly documents: number;
  /** Documents that were searched before. */
  readonly seen: number;
  /** Pairs that were likely. */
  readonly likely: number;
  readonly milliseconds: number;
}

export interface BlockSizer {
  /** How many documents to search next, when `seen` are behind. */
  documents(queries: number, seen: number): number;
  /** Takes note of how a block went. */
  learn(block: Searched): void;
}

export function blockSizer(size: {
  readonly depth: number;
  readonly dimensions: number;
  /** Documents that fit the buffer. */
  readonly most: number;
  /** Pairs that fit the list. */
  readonly capacity: number;
}): BlockSizer {
  const { depth, dimensions, most, capacity } = size;
  let work = firstWork;
  /** Likely pairs, over those of documents in random order: such a document is among the best `depth` of n with depth / n. */
  let excess = 1;
  return {
    documents(queries, seen) {
      const inTime = work / (queries * dimensions);
      const inList = (capacity / 2) * (seen / (queries * depth * excess));
      return Math.min(most, Math.max(fewest, Math.floor(Math.min(inTime, inList))));
    },
    learn({ queries, documents, seen, likely, milliseconds }) {
      const speed = (queries * documents * dimensions) / Math.max(milliseconds, 1);
      work = Math.min(4 * work, speed * target);
      excess = Math.max(1, (likely * seen) / (queries * documents * depth));
    },
  };
}
