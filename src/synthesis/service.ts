/** Everything that the page asks of the synthesis, put together: {@link Synthesis} over what the host has. */
import type { Synthesis } from "../domain/synthesis.ts";
import { firstPrompt } from "./attempt.ts";
import { suggestDomains } from "./domains.ts";
import { generate } from "./generate.ts";
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

/** The preview is the request itself, without the seed that only the model needs. */
export function createSynthesis(host: SynthesisHost): Synthesis {
  return {
    presets,
    defaultParts,
    preview(topic, generation, index) {
      const { messages, schema, attributes } = firstPrompt(topic, generation, { index, attempt: 1 });
      return { messages, schema, attributes };
    },
    async models(provider) {
      const availability = provider === "browser" ? await host.promptApi?.availability() : undefined;
      return modelsHere(provider, await readDevice(host.scope, availability));
    },
    open: (settings, recorded, options) => openModel(settings, recorded, options, host),
    generate,
    judge,
    writeQueries,
    suggestDomains,
    checkOwn: (topic, passage, similar) => checkOwn(topic, passage, similar, host.clock),
  };
}
