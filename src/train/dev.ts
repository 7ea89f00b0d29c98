/** Looks at dev while the encoder trains, and the weights that did best there. */
import { assert, present } from "../base/assert.ts";
import { relay } from "../base/relay.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { Trainer } from "../domain/engine.ts";
import type { Progress } from "../domain/stages.ts";
import type { BestOnDev, Dev, DevReport } from "../domain/training.ts";
import { denseIndex, searchDense, type DenseIndex } from "../retrieval/dense.ts";
import { scores } from "../retrieval/metrics.ts";
import { encodeTexts, type Reading } from "./encode.ts";

const METRIC = "ndcg@10";
/** As deep as the metric looks. */
const DEPTH = 10;

export interface Selection {
  /** Whether dev is to be looked at after `step` steps. */
  due(step: number): boolean;
  /** With the weights of now, which must be those after `step` steps. Ended early it changes nothing. */
  look(step: number): AsyncGenerator<Progress, DevReport, void>;
  /** Whether so many looks were no better that training ends. */
  ended(): boolean;
  /** What a checkpoint has to carry. */
  best(): BestOnDev | undefined;
}

export interface SelectionInput extends Reading {
  readonly trainer: Trainer;
  readonly config: Pick<TrainingConfig, "best" | "side" | "seed">;
  readonly dev: Dev;
  /** The last of them is looked at too, whatever is due. */
  readonly steps: number;
}

type Work<Output> = AsyncGenerator<Progress, Output, void>;

/** The collection's documents, by the weights of now; before training and where only queries train, as they were read. */
async function* indexFor(input: SelectionInput, step: number): Work<DenseIndex> {
  const { dev, config } = input;
  const asRead = step === 0 || config.side === "queries";
  return denseIndex(dev.ids, asRead ? dev.vectors : yield* encodeTexts(input, dev.corpus, "document"));
}

/** nDCG@10 of the dev queries over the whole collection, searched exactly. */
async function* measure(input: SelectionInput, index: DenseIndex): Work<number> {
  const { queries, judgements } = input.dev;
  const texts = queries.map(({ text }) => text);
  const vectors = yield* encodeTexts(input, texts, "query");
  const rankings = yield* searchDense(index, { queryIds: queries.map(({ id }) => id), vectors, depth: DEPTH });
  const { mean } = scores({ rankings, judgements, metrics: [METRIC], seed: input.config.seed });
  return present(mean[METRIC], METRIC).value;
}

/** `known`: what the checkpoint carried from which training goes on. */
export function createSelection(input: SelectionInput, known: BestOnDev | undefined): Selection {
  const { every, patience = Infinity } = present(input.config.best, "the recipe's best");
  const { dev, steps, trainer, config } = input;
  assert(dev.ids.length === dev.corpus.length, `${dev.ids.length} ids of ${dev.corpus.length} documents`);
  let best = known;
  /** Where documents do not change, neither does their index. */
  let index: DenseIndex | undefined;
  const isLook = (step: number): boolean => step % every === 0 || step === steps;
  /** Looks after `from` steps, up to `to`. */
  const looks = (from: number, to: number): number =>
    Math.floor(to / every) - Math.floor(from / every) + (to === steps && to % every > 0 && from < to ? 1 : 0);
  return {
    due: (step) => isLook(step) && step > (best?.looked ?? -1),
    async *look(step) {
      let seconds = 0;
      async function* looked(): Work<number> {
        const searched = index ?? (yield* indexFor(input, step));
        if (config.side === "queries") index = searched;
        return yield* measure(input, searched);
      }
      const score = yield* relay(
        looked(),
        (progress) => progress,
        (more) => (seconds += more),
      );
      best =
        best && score <= best.score
          ? { ...best, looked: step }
          : { step, score, looked: step, weights: (await trainer.checkpoint()).weights };
      return { step, score, seconds };
    },
    ended: () => best !== undefined && looks(best.step, best.looked) >= patience,
    best: () => best,
  };
}
