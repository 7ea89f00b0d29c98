/** Everything that the page asks of the synthesis, put together: {@link Synthesis} over what the host has. */
import type { Generation } from "../domain/generation.ts";
import type { Previewed, Prompt, Synthesis, Topic } from "../domain/synthesis.ts";
import { firstPrompt } from "./attempt.ts";
import { awaited, editPreview } from "./causalneg.ts";
import { suggestDomains } from "./domains.ts";
import { generate } from "./generate.ts";
import { handOver } from "./handOver.ts";
import { judge } from "./judge.ts";
import { checkOwn } from "./own.ts";
import { defaultParts } from "./parts.ts";
import { presets } from "./presets.ts";
import { modelsHere } from "./providers/catalogue.ts";
import { readDevice } from "./providers/device.ts";
import { openModel, type ProviderHost } from "./providers/open.ts";
import { writeQueries } from "./queries.ts";

export interface SynthesisHost extends ProviderHost {
  /** The window, or what stands for it. */
  readonly scope: Parameters<typeof readDevice>[0];
  readonly clock: () => Date;
}

/** The requests themselves, without the seed that only the model needs. */
function previewOf(topic: Topic, generation: Generation, index: number): Previewed[] {
  const draw = { index, attempt: 1 };
  const about = ({ messages, schema, attributes }: Prompt): Prompt => ({ messages, schema, attributes });
  const first = about(firstPrompt(topic, generation, draw));
  if (generation.recipe === "syneg") return [{ ...first, awaited: [] }];
  const second = about(editPreview(topic, generation, draw));
  return [
    { ...first, awaited: [] },
    { ...second, awaited: [awaited.way, awaited.change, awaited.line] },
  ];
}

export function createSynthesis(host: SynthesisHost): Synthesis {
  return {
    presets,
    defaultParts,
    preview: previewOf,
    async models(provider) {
      const availability = provider === "browser" ? await host.promptApi?.availability() : undefined;
      return modelsHere(provider, await readDevice(host.scope, availability));
    },
    open: (settings, recorded, options) => openModel(settings, recorded, options, host),
    generate,
    judge,
    writeQueries,
    suggestDomains,
    handOver,
    checkOwn: (topic, passage, similar) => checkOwn(topic, passage, similar, host.clock),
  };
}
