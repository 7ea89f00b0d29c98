/** How much memory a training by the recipe would take, before it is started. */
import { finish } from "../base/channel.ts";
import { messageOf } from "../base/errors.ts";
import type { MemoryUse } from "../domain/engine.ts";
import type { App } from "./app.ts";
import { encoderFolder } from "./encoders.ts";

export type Prediction =
  | { readonly kind: "none" }
  | { readonly kind: "asked" }
  | { readonly kind: "known"; readonly memory: MemoryUse }
  | { readonly kind: "refused"; readonly problem: string };

/** Opens the encoder for it, and closes it again. An answer for fields that have changed since is not shown. */
export async function predictMemory(app: App): Promise<void> {
  const { prediction, config, fields } = app.recipe;
  const asked = fields.value;
  if (config.value === undefined || app.run.phase.value !== "idle") return;
  prediction.value = { kind: "asked" };
  const answer = await answerFor(app, config.value, asked).catch((error: unknown): Prediction => ({
    kind: "refused",
    problem: messageOf(error),
  }));
  if (fields.value === asked) prediction.value = answer;
}

async function answerFor(
  app: App,
  config: NonNullable<App["recipe"]["config"]["value"]>,
  { encoder: key, engine }: App["recipe"]["fields"]["value"],
): Promise<Prediction> {
  const { encoder } = app.deps.services;
  const { model, card } = await finish(encoder.open({ folder: await encoderFolder(app, key), engine }));
  await finish(encoder.close({ model }));
  const { memory } = await finish(encoder.predict({ card, engine, config }));
  return { kind: "known", memory };
}
