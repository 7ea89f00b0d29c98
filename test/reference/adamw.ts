import { at } from "./at.ts";

export interface Settings {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly clip: number;
  /** Numbers, from the start, that decay. */
  readonly decayed: number;
}

export const globalNorm = (gradient: Float64Array): number =>
  Math.sqrt(gradient.reduce((total, g) => total + g * g, 0));

/** One update in place, the `step`-th (1-based), as torch.nn.utils.clip_grad_norm_ and torch.optim.AdamW. */
export function adamw(
  state: { readonly weight: Float64Array; readonly m: Float64Array; readonly v: Float64Array },
  gradient: Float64Array,
  { step, rate }: { readonly step: number; readonly rate: number },
  { betas: [beta1, beta2], epsilon, weightDecay, clip, decayed }: Settings,
): void {
  const scale = Math.min(1, clip / (globalNorm(gradient) + 1e-6));
  gradient.forEach((raw, i) => {
    const g = raw * scale;
    const m = beta1 * at(state.m, i) + (1 - beta1) * g;
    const v = beta2 * at(state.v, i) + (1 - beta2) * g * g;
    const decay = i < decayed ? rate * weightDecay : 0;
    const denominator = Math.sqrt(v / (1 - beta2 ** step)) + epsilon;
    state.weight[i] = at(state.weight, i) * (1 - decay) - ((rate / (1 - beta1 ** step)) * m) / denominator;
    state.m[i] = m;
    state.v[i] = v;
  });
}
