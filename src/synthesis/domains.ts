/** Values for the domain attribute, by asking the model what a sample of the collection is about. */
import type { Document } from "../domain/collection.ts";
import { ModelFailed, type LanguageModel } from "../domain/languageModel.ts";
import { ask, usualPatience } from "./ask.ts";
import { domainPrompt } from "./domainPrompt.ts";
import { domainKeys } from "./schemas.ts";
import { readStrings } from "./strings.ts";

const most = 12;
/** A recipe takes no longer ones; what is longer than a few words is no name of a field. */
const longest = 100;
const tries = 2;

function distinct(names: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const name of names) {
    const plain = name.toLowerCase();
    if (name.length <= longest && !first.has(plain)) first.set(plain, name);
  }
  return [...first.values()].slice(0, most);
}

/** Up to twelve distinct names. Errors: ProviderRefused; {@link ModelFailed} where two answers could not be used. */
export async function suggestDomains(
  documents: readonly Document[],
  model: LanguageModel,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const prompt = domainPrompt(documents);
  let why = "";
  for (let seed = 1; seed <= tries; seed++) {
    const request = {
      ...prompt,
      maxTokens: 400,
      temperature: 0.3,
      topP: 0.95,
      seed,
      about: { queryId: "", index: 0 },
    };
    const asked = await ask(model, request, { ...usualPatience, signal });
    if (asked.kind === "failed") {
      why = asked.why;
      continue;
    }
    const names = distinct(readStrings(asked.completion, domainKeys.domains) ?? []);
    if (names.length > 0) return names;
    why = `Its answer began “${asked.completion.text.trim().slice(0, 80)}”.`;
  }
  throw new ModelFailed(
    `${model.info.id} named no fields in ${tries} tries. ${why} Write the list yourself, or take another model.`,
  );
}
