/** AdamW as torch.optim.AdamW does it (Loshchilov and Hutter, 2019), over flat arenas, arithmetic in double precision. */
import type { TrainerSettings } from "../../domain/engine.ts";
import { keptMoment } from "../bfloat16.ts";

export interface Moments {
  /** Steps done. */
  step: number;
  /** "adamw16" leaves bfloat16 numbers in them; here they take as much memory as others. */
  readonly first: Float32Array<ArrayBuffer>;
  readonly second: Float32Array<ArrayBuffer>;
}

/** Numbers that train, wherever they are. */
export interface Part {
  readonly numbers: Float32Array<ArrayBuffer>;
  /** Their place in the arenas of gradient and moments. */
  readonly offset: number;
}

export interface Update {
  readonly gradient: Float32Array;
  /** Global L2 norm of the gradient. */
  readonly norm: number;
  readonly learningRate: number;
  /** Decay applies to [0, decayed). */
  readonly decayed: number;
  /** Of stochastic rounding. */
  readonly seed: number;
}

export function gradientNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += (gradient[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}

/** One step; the gradient is clipped to the global norm as torch.nn.utils.clip_grad_norm_ does. */
export function adamW(parts: readonly Part[], moments: Moments, settings: TrainerSettings, update: Update): void {
  const { betas, epsilon, weightDecay, clip } = settings;
  const { gradient, norm, learningRate, decayed, seed } = update;
  const { first, second } = moments;
  const [beta1, beta2] = betas;
  const t = ++moments.step;
  const scale = Math.min(1, clip / (norm + 1e-6));
  const rate = learningRate / (1 - beta1 ** t);
  const correction = 1 / Math.sqrt(1 - beta2 ** t);
  const keep = 1 - learningRate * weightDecay;
  const halved = settings.optimizer === "adamw16";
  for (const { numbers, offset } of parts) {
    for (let n = 0; n < numbers.length; n++) {
      const i = offset + n;
      const g = (gradient[i] ?? 0) * scale;
      const m = beta1 * (first[i] ?? 0) + (1 - beta1) * g;
      const v = beta2 * (second[i] ?? 0) + (1 - beta2) * g * g;
      const w = (numbers[n] ?? 0) * (i < decayed ? keep : 1);
      first[i] = halved ? keptMoment(m, { seed, moment: "first", place: i }) : m;
      second[i] = halved ? keptMoment(v, { seed, moment: "second", place: i }) : v;
      numbers[n] = w - (rate * m) / (Math.sqrt(v) * correction + epsilon);
    }
  }
}
