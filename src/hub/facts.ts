/** What a preset adds to what an encoder's folder says of itself: the folder counts where both speak. */
import * as v from "valibot";
import { contentSource } from "../base/fileSource.ts";
import type { EncoderFiles, Pooling } from "../domain/encoder.ts";
import type { Preset } from "./presets.ts";

export interface PresetFacts {
  readonly pooling?: Pooling;
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
  readonly temperature?: number;
}

const PROMPTS = "config_sentence_transformers.json";
const promptsJson = v.looseObject({
  prompts: v.nullish(v.record(v.string(), v.string())),
  default_prompt_name: v.nullish(v.string()),
});

/** The names of prompts that are not empty. */
async function promptNames({ files }: EncoderFiles): Promise<readonly string[]> {
  const content = files[PROMPTS];
  if (!content) return [];
  const source = contentSource(PROMPTS, content);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  const { prompts, default_prompt_name } = v.parse(promptsJson, JSON.parse(text));
  const named = Object.entries(prompts ?? {}).filter(([, prompt]) => prompt !== "");
  return named.map(([name]) => (name === default_prompt_name ? "default" : name));
}

/** Whether a module's folder says how token vectors become one. */
const saysPooling = ({ files }: EncoderFiles): boolean =>
  Object.keys(files).some((path) => /^\d+_\w*Pooling\/config\.json$/u.test(path));

/** What the files do not say and the preset does. The temperature is in no encoder's files. */
export async function presetFacts(preset: Preset, files: EncoderFiles): Promise<PresetFacts> {
  const prompts = await promptNames(files).catch((): readonly string[] => []);
  const says = (...names: readonly string[]) => names.some((name) => prompts.includes(name));
  return {
    ...(preset.temperature !== undefined && { temperature: preset.temperature }),
    ...(!saysPooling(files) && { pooling: preset.pooling }),
    ...(preset.queryPrefix !== "" && !says("query", "default") && { queryPrefix: preset.queryPrefix }),
    ...(preset.documentPrefix !== "" &&
      !says("document", "passage", "default") && { documentPrefix: preset.documentPrefix }),
  };
}
