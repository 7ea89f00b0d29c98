/** What the tests of a generation share: topics, an input, and a consumer that stops or goes to the end. */
import type { Draft } from "../../src/domain/draft.ts";
import { parseGeneration, type GenerationInput } from "../../src/domain/generation.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { GenerateInput, GenerateReport, GenerateSummary, Topic } from "../../src/domain/synthesis.ts";
import { generate } from "../../src/synthesis/generate.ts";
import { goodAnswer, passage, scriptedModel } from "../support/scriptedModel.ts";

export const topics: readonly Topic[] = Array.from({ length: 4 }, (_, i) => ({
  query: { id: queryId(`q${i}`), text: `what is ${passage(900 + i).split(" ")[1]}` },
  positive: { id: documentId(`d${i}`), title: "", text: passage(1000 + i) },
  found: [{ id: documentId(`f${i}`), title: "", text: passage(2000 + i) }],
}));
export const topic = topics.slice(0, 1);

type Setup = Partial<Omit<GenerateInput, "generation">> & { readonly recipe?: GenerationInput };

export function inputOf({ recipe = {}, ...given }: Setup): GenerateInput {
  return {
    topics,
    generation: parseGeneration(recipe),
    model: scriptedModel(goodAnswer),
    known: new Map(),
    similar: async () => [],
    signal: new AbortController().signal,
    now: () => new Date("2026-01-02T03:04:05Z"),
    ...given,
  };
}

type Ended = { readonly reports: GenerateReport[]; readonly drafts: Draft[] } & (
  { readonly summary: GenerateSummary } | { readonly error: unknown }
);

/** Takes `most` reports and stores the drafts among them, as the page does; then stops, or goes to the end. */
export async function take(input: GenerateInput, most = Infinity): Promise<Ended> {
  const reports: GenerateReport[] = [];
  const stage = generate(input);
  const ended = () => ({
    reports,
    drafts: reports.flatMap((report) => (report.kind === "draft" ? [report.draft] : [])),
  });
  try {
    for (let result = await stage.next(); ; result = await stage.next()) {
      if (result.done) return { ...ended(), summary: result.value };
      reports.push(result.value);
      if (reports.length >= most) break;
    }
  } catch (error) {
    return { ...ended(), error };
  }
  await stage.return(undefined as never);
  return { ...ended(), error: "stopped" };
}

export async function whole(input: GenerateInput) {
  const ended = await take(input);
  if (!("summary" in ended)) throw ended.error;
  return ended;
}

export const byKey = (drafts: readonly Draft[]) => new Map(drafts.map((draft) => [draft.key, draft]));
export const bad = JSON.stringify({ title: "nothing" });
