/** What train.py does with each key of a recipe. The table goes into recipe.json: the program has no second one. */
import type { Config } from "../../domain/config.ts";

/** Where a key is silent nothing is refused. */
export interface KeyUse {
  /**
   * "honoured": as in the page. "in the data": it decided which rows the bundle has. "not needed": it says how the page measures or
   * what it keeps in memory. "refused": the program does not do it, and says so before it starts.
   */
  readonly use: "honoured" | "in the data" | "not needed" | "refused";
  /** The values that are done; left out, all are. */
  readonly only?: readonly unknown[];
  /** Of `negatives`: the sources that are done. */
  readonly sources?: readonly string[];
  /** What to do about another value. */
  readonly otherwise?: string;
}

const honoured: KeyUse = { use: "honoured" };
const inTheData: KeyUse = { use: "in the data" };
const notNeeded: KeyUse = { use: "not needed" };
/** `only` [] where the key has no default. */
const refused = (otherwise: string, only: readonly unknown[] = []): KeyUse => ({ use: "refused", only, otherwise });

const noGuide = "the program has no guide. Take it out: the rows were gated in the page already";

export const clusterKeys = {
  pairs: inTheData,
  negatives: {
    use: "in the data",
    sources: ["synthetic", "human", "random", "bm25", "dense", "simans"],
    otherwise: "these are searched for while training goes on, which only the page does. Take the source out",
  },
  mix: inTheData,
  ratio: inTheData,
  gate: inTheData,
  batches: honoured,
  topics: inTheData,
  probes: notNeeded,
  probeRows: notNeeded,
  varianceBatches: notNeeded,
  loss: { use: "honoured", only: ["infonce"], otherwise: "only InfoNCE is computed. Write infonce" },
  temperature: honoured,
  marginScale: refused("it goes with MarginMSE, which is not computed. Write 1", [1]),
  symmetric: honoured,
  hardness: honoured,
  gist: refused(noGuide),
  entropy: honoured,
  dimensions: honoured,
  inBatch: honoured,
  mask: honoured,
  side: refused('both sides train. Write "both"', ["both"]),
  frozenLayers: refused("all layers train. Take it out, and lower the learning rate if the lowest should hardly move"),
  lora: refused("all weights train. Take it out, and take a learning rate for whole encoders, such as 2e-5"),
  dropout: honoured,
  optimizer: {
    use: "honoured",
    only: ["adamw", "adamw16"],
    otherwise: "AdamW it is, its moments in 32 bits. Write adamw",
  },
  precision: notNeeded,
  microTokens: notNeeded,
  recompute: notNeeded,
  batchSize: honoured,
  batchTokens: refused("batches are cut by batchSize alone. Take it out, and lower batchSize where memory is short"),
  accumulate: honoured,
  epochs: honoured,
  steps: honoured,
  learningRate: honoured,
  warmup: honoured,
  schedule: honoured,
  weightDecay: honoured,
  clip: honoured,
  maxQueryTokens: honoured,
  maxDocumentTokens: honoured,
  queryPrefix: honoured,
  documentPrefix: honoured,
  pooling: honoured,
  seed: honoured,
  shuffle: honoured,
  best: refused("the weights after the last step are kept. Take it out"),
  evaluate: notNeeded,
} as const satisfies Record<keyof Config, KeyUse>;

const uses: Readonly<Record<string, KeyUse>> = clusterKeys;

/** What of a recipe train.py refuses, in the words that it has for it; what it does not refuse it computes as the page does. */
export function refusedKeys(config: Config): readonly string[] {
  return Object.entries(config).flatMap(([key, value]): string[] => {
    const { only, sources, otherwise } = uses[key] ?? {};
    if (value === undefined) return [];
    if (sources) {
      const others = config.negatives.filter(({ source }) => !sources.includes(source));
      return others.map(({ source }) => `${key}, source ${JSON.stringify(source)}: ${otherwise}.`);
    }
    return only && !only.includes(value) ? [`${key} = ${JSON.stringify(value)}: ${otherwise}.`] : [];
  });
}
