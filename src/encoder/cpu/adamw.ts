/** AdamW as torch.optim.AdamW does it (Loshchilov and Hutter, 2019), over flat arenas, arithmetic in double precision. */
import type { TrainerSettings } from "../../domain/engine.ts";

export interface Moments {
  /** Steps done. */
  step: number;
  readonly first: Float32Array<ArrayBuffer>;
  readonly second: Float32Array<ArrayBuffer>;
}

export interface Update {
  readonly gradient: Float32Array;
  /** Global L2 norm of the gradient. */
  readonly norm: number;
  readonly learningRate: number;
  /** Decay applies to [0, decayed). */
  readonly decayed: number;
}

export function gradientNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += (gradient[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}

/** One step; the gradient is clipped to the global norm as torch.nn.utils.clip_grad_norm_ does. */
export function adamW(weights: Float32Array, moments: Moments, settings: TrainerSettings, update: Update): void {
  const { betas, epsilon, weightDecay, clip } = settings;
  const { gradient, norm, learningRate, decayed } = update;
  const { first, second } = moments;
  const [beta1, beta2] = betas;
  const t = ++moments.step;
  const scale = Math.min(1, clip / (norm + 1e-6));
  const rate = learningRate / (1 - beta1 ** t);
  const correction = 1 / Math.sqrt(1 - beta2 ** t);
  const keep = 1 - learningRate * weightDecay;
  for (let i = 0; i < weights.length; i++) {
    const g = (gradient[i] ?? 0) * scale;
    const m = beta1 * (first[i] ?? 0) + (1 - beta1) * g;
    const v = beta2 * (second[i] ?? 0) + (1 - beta2) * g * g;
    const w = (weights[i] ?? 0) * (i < decayed ? keep : 1);
    first[i] = m;
    second[i] = v;
    weights[i] = w - (rate * m) / (Math.sqrt(v) * correction + epsilon);
  }
}
