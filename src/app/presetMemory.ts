/** What training each preset would take of memory, by its shape alone: nothing is fetched for it. */
import { finish } from "../base/channel.ts";
import { messageOf } from "../base/errors.ts";
import { type Config, parseConfig } from "../domain/config.ts";
import type { EngineInfo } from "../domain/encoder.ts";
import type { App } from "./app.ts";

/** Bytes at most, or why this device cannot. */
export type MemoryAnswer =
  { readonly kind: "known"; readonly bytes: number } | { readonly kind: "refused"; readonly problem: string };

export interface PresetMemory {
  readonly engine: EngineInfo | undefined;
  readonly full: MemoryAnswer;
  readonly lora: MemoryAnswer;
}

/** By the recipe as it stands, or the default one while that cannot be read. */
export async function predictPresets(app: App): Promise<void> {
  const { encoder } = app.deps.services;
  const { engine: choice } = app.recipe.fields.value;
  const { lora, frozenLayers: _all, ...full } = app.recipe.config.value ?? parseConfig({});
  const { lora: usual } = parseConfig({ lora: {} });
  const hub = await app.deps.hub();
  for (const preset of app.hub.presets.value) {
    const card = hub.card(preset);
    let engine: EngineInfo | undefined;
    const answer = async (config: Config): Promise<MemoryAnswer> => {
      try {
        const predicted = await finish(encoder.predict({ card, engine: choice, config }));
        engine = predicted.engine;
        return { kind: "known", bytes: predicted.memory.total };
      } catch (error) {
        return { kind: "refused", problem: messageOf(error) };
      }
    };
    const adapters = lora ?? usual;
    const memory = {
      full: await answer(full),
      lora: await answer({ ...full, ...(adapters && { lora: adapters }) }),
    };
    app.hub.memory.value = new Map([...app.hub.memory.value, [preset.id, { ...memory, engine }]]);
  }
}
