import type { TrainingConfig } from "../domain/config.ts";
import type { TrainerSettings, Tuning } from "../domain/engine.ts";

/** What of the encoder the recipe trains; undefined: all of it. */
export function tuningOf({ frozenLayers, lora }: Pick<TrainingConfig, "frozenLayers" | "lora">): Tuning | undefined {
  if (frozenLayers === undefined && lora === undefined) return undefined;
  return { ...(frozenLayers !== undefined && { frozenLayers }), ...(lora && { lora }) };
}

/** What the recipe asks of a trainer. */
export function trainerSettings({ weightDecay, clip, ...config }: TrainingConfig): TrainerSettings {
  const tuning = tuningOf(config);
  return {
    loss: config.loss,
    temperature: config.temperature,
    ...(config.hardness && { hardness: config.hardness.alpha }),
    ...(config.entropy && { entropy: config.entropy }),
    ...(config.dimensions && { dimensions: config.dimensions }),
    ...(tuning && { tuning }),
    ...(config.dropout && { dropout: config.dropout }),
    optimizer: config.optimizer,
    precision: config.precision,
    seed: config.seed,
    ...(config.microTokens !== undefined && { microTokens: config.microTokens }),
    recompute: config.recompute,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay,
    clip: clip === 0 ? Infinity : clip,
  };
}
