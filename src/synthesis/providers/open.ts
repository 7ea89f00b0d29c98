/** Opening a language model of any provider. */
import type { LanguageModel, ProviderSettings } from "../../domain/languageModel.ts";
import type { WrittenNegative } from "../../domain/negative.ts";
import { openBrowser, type PromptApi } from "./browser.ts";
import { type EndpointHost, openEndpoint } from "./endpoint.ts";
import { openRecorded } from "./recorded.ts";
import { openTransformers } from "./transformers.ts";
import { openWebLlm } from "./webllm.ts";
import type { OpenOptions, ThreadHost } from "./worker.ts";

/** What the page gives to the providers. */
export interface ProviderHost extends ThreadHost, EndpointHost {
  /** The window's own, where there is one. */
  readonly promptApi?: PromptApi | undefined;
  /** The host that stands for the Hugging Face Hub. */
  readonly hub?: string;
}

/** Errors: `ProviderRefused`, `ModelFailed`, `AbortError`. Whoever opens a model closes it. */
export async function openModel(
  settings: ProviderSettings,
  recorded: readonly WrittenNegative[],
  options: OpenOptions,
  host: ProviderHost,
): Promise<LanguageModel> {
  switch (settings.provider) {
    case "webllm":
      return openWebLlm(settings.model, options, host);
    case "transformers":
      return openTransformers(settings.model, options, host);
    case "browser":
      return openBrowser(host.promptApi, options);
    case "endpoint":
      return openEndpoint(settings, host);
    case "recorded":
      return openRecorded(recorded);
    default:
      return settings satisfies never;
  }
}
