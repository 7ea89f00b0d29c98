/** Training on the CPU engine: gradients of a step's batches, clipping, AdamW. */
import { assert } from "../../base/assert.ts";
import type { ContrastiveBatch, StepOutcome, StepSize, Trainer, TrainerSettings } from "../../domain/engine.ts";
import type { Checkpoint } from "../../domain/training.ts";
import { dropoutSeed } from "../dropout.ts";
import type { ParameterTable } from "../parameters.ts";
import type { Trained } from "../trained.ts";
import { wantedOf } from "./adapters.ts";
import { adamW, gradientNorm, type Moments } from "./adamw.ts";
import type { Arena, Network } from "./network.ts";
import { numbersOf, setNumbers, tunedOf, type Tuned } from "./tuned.ts";

/** The model that is trained, as its trainer sees it. */
export interface Trainee {
  readonly table: ParameterTable;
  readonly trained: Trained;
  readonly network: Network;
  readonly weights: Arena;
  /** Runs jobs one after another, in the order of the calls. */
  queue<T>(job: () => T): Promise<T>;
  /** Counts memory. */
  holds(bytes: number): void;
  /** Called when the training is over. */
  released(): void;
}

export class CpuTrainer implements Trainer {
  readonly #trainee: Trainee;
  readonly #settings: TrainerSettings;
  readonly #tuned: Tuned;
  readonly #moments: Moments;

  constructor(trainee: Trainee, settings: TrainerSettings, largest?: StepSize) {
    const { table, trained, network } = trainee;
    const { floats } = trained;
    // Before anything is held: it may fail.
    if (largest) network.reserve(largest, { wanted: wantedOf(table, trained), settings });
    this.#trainee = trainee;
    this.#settings = settings;
    this.#tuned = tunedOf(trainee, settings.seed ?? 0);
    this.#moments = { step: 0, first: new Float32Array(floats), second: new Float32Array(floats) };
    trainee.holds(this.#bytes);
  }

  step(batch: ContrastiveBatch | readonly ContrastiveBatch[], learningRate: number): Promise<StepOutcome> {
    const batches = "texts" in batch ? [batch] : batch;
    return this.#trainee.queue(() => this.#step(batches, learningRate));
  }

  gradient(): Promise<Arena> {
    return this.#trainee.queue(() => this.#tuned.gradient.slice());
  }

  checkpoint(): Promise<Checkpoint> {
    const { tuning } = this.#settings;
    return this.#trainee.queue(() => ({
      step: this.#moments.step,
      ...(tuning && { tuning }),
      weights: numbersOf(this.#tuned),
      firstMoment: this.#moments.first.slice(),
      secondMoment: this.#moments.second.slice(),
    }));
  }

  restore({ step, weights, firstMoment, secondMoment }: Checkpoint): Promise<void> {
    return this.#trainee.queue(() => {
      setNumbers(this.#tuned, weights);
      this.#moments.first.set(firstMoment);
      this.#moments.second.set(secondMoment);
      this.#moments.step = step;
      this.#trainee.network.weightsChanged();
    });
  }

  dispose(): void {
    this.#trainee.released();
    this.#trainee.holds(-this.#bytes);
  }

  #step(batches: readonly ContrastiveBatch[], learningRate: number): StepOutcome {
    const { trained, network } = this.#trainee;
    assert(batches.length > 0, "a step of no batch");
    const seed = dropoutSeed(this.#settings.seed ?? 0, this.#moments.step);
    const { gradient } = this.#tuned;
    const loss = this.#differentiate(batches, seed);
    this.#tuned.differentiated();
    const norm = gradientNorm(gradient);
    if (Number.isFinite(loss) && Number.isFinite(norm)) {
      const { decayed } = trained;
      adamW(this.#tuned.parts, this.#moments, this.#settings, { gradient, norm, learningRate, decayed, seed });
      this.#tuned.moved();
      network.weightsChanged();
    }
    return { loss, gradNorm: norm };
  }

  /** The mean loss of the batches, and its gradient. */
  #differentiate(batches: readonly ContrastiveBatch[], seed: number): number {
    const { network, weights } = this.#trainee;
    const { dropout } = this.#settings;
    const { wanted, dWeights } = this.#tuned;
    dWeights.fill(0);
    let loss = 0;
    let first = 0;
    for (const batch of batches) {
      const target = {
        settings: this.#settings,
        wanted,
        gradient: dWeights,
        share: 1 / batches.length,
        dropping: dropout && { ...dropout, seed, first },
      };
      loss += network.differentiate(weights, batch, target) / batches.length;
      first += batch.texts.tokenIds.length;
    }
    return loss;
  }

  get #bytes(): number {
    return this.#tuned.bytes + this.#moments.first.byteLength + this.#moments.second.byteLength;
  }
}
