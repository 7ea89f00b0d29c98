/** One try at one negative: what is asked, and the draft that its answer becomes, whatever the answer is. */
import { documentText } from "../domain/collection.ts";
import type { Draft, DraftNote } from "../domain/draft.ts";
import { recipeName, type Generation } from "../domain/generation.ts";
import type { Completion, CompletionRequest, LanguageModel } from "../domain/languageModel.ts";
import type { GenerateInput, Prompt, Similar, Topic } from "../domain/synthesis.ts";
import { outcomeOf, readAnswer, withTitleLike, type AnswerJudged } from "./answer.ts";
import type { Asked } from "./ask.ts";
import { modelSeed, type Draw, type Seeded } from "./attributes.ts";
import { boundaryPrompt, editPrompt } from "./causalneg.ts";
import { checkPassage } from "./checks.ts";
import { draftKey } from "./key.ts";
import { promptFor } from "./prompt.ts";
import { orStopped } from "./queue.ts";
import { readJson } from "./readJson.ts";
import { boundaryKeys } from "./schemas.ts";
import { siblingFlaw } from "./siblings.ts";

/** One negative that is wanted: the `index`-th of its topic, from 0. */
export interface Slot {
  readonly topic: Topic;
  readonly index: number;
}

export interface Try extends Slot, Draw {
  readonly prompt: Prompt & Seeded;
  readonly key: string;
}

export interface Work {
  readonly generation: Generation;
  readonly model: LanguageModel;
  readonly similar: Similar;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly ask: (request: CompletionRequest) => Promise<Asked>;
  /** Drafts of the query that are usable; looked at when the answer is there. */
  readonly siblings: () => readonly Draft[];
}

/** Most characters of an answer that a draft keeps. */
const mostKept = 8000;

/** What is asked first; CausalNeg's analysis comes before the passage. */
export function firstPrompt(topic: Topic, generation: Generation, draw: Draw): Prompt & Seeded {
  return generation.recipe === "causalneg"
    ? boundaryPrompt(topic, generation, draw)
    : promptFor(topic, generation, draw);
}

export function tryOf(
  slot: Slot,
  attempt: number,
  { generation, model }: Pick<GenerateInput, "generation" | "model">,
): Try {
  const { topic, index } = slot;
  const prompt = firstPrompt(topic, generation, { index, attempt });
  const key = draftKey({ queryId: topic.query.id, prompt, model: model.info.id, seed: prompt.seed });
  return { topic, index, attempt, prompt, key };
}

/** Over all requests of one try. */
interface Spent {
  promptTokens: number;
  completionTokens: number;
  seconds: number;
}

type Put = (prompt: Prompt & Seeded) => Promise<Asked>;

function putting({ topic, index }: Slot, { generation, ask }: Work, spent: Spent): Put {
  const { maxTokens, temperature, topP } = generation;
  return async ({ messages, schema, seed }) => {
    const about = { queryId: topic.query.id, index };
    const asked = await ask({ messages, schema, maxTokens, temperature, topP, seed, about });
    spent.seconds += asked.seconds;
    if (asked.kind === "answer") spent.promptTokens += asked.completion.promptTokens;
    spent.completionTokens += asked.kind === "answer" ? asked.completion.completionTokens : asked.tokens;
    return asked;
  };
}

/** The answer that has the passage, or the reason why it was never given. */
type Answered = Pick<Prompt, "attributes"> &
  ({ readonly completion: Completion } | { readonly note: DraftNote; readonly answer: string });

function answered({ attributes }: Pick<Prompt, "attributes">, asked: Asked): Answered {
  if (asked.kind === "answer") return { attributes, completion: asked.completion };
  return { attributes, note: { flaw: "noAnswer", text: asked.why }, answer: "" };
}

type Members = Readonly<Record<string, unknown>>;
const isBoundary = (value: unknown): value is Members =>
  typeof value === "object" &&
  value !== null &&
  [boundaryKeys.boundary, boundaryKeys.breaks].some((key) => Object.hasOwn(value, key));

/** CausalNeg's two requests; an analysis that cannot be read is asked for once more. */
async function viaBoundary(
  { topic, index, attempt, prompt }: Try,
  generation: Generation,
  put: Put,
): Promise<Answered> {
  const draw = { index, attempt };
  const again = modelSeed(generation, topic.query.id, draw, "boundary again");
  let answer = "";
  for (const seed of [prompt.seed, again]) {
    const asked = await put({ ...prompt, seed });
    if (asked.kind === "failed") return answered(prompt, asked);
    answer = asked.completion.text;
    const boundary = readJson(answer, asked.completion.finish, isBoundary)?.value;
    if (!isBoundary(boundary)) continue;
    const edit = editPrompt(topic, generation, draw, boundary);
    return answered(edit, await put(edit));
  }
  const note: DraftNote = { flaw: "unreadable", text: "The analysis of the answer could not be read in two tries." };
  return { attributes: prompt.attributes, note, answer };
}

async function readAndCheck(slot: Slot, completion: Completion, work: Work): Promise<AnswerJudged> {
  const { generation, similar, siblings, signal } = work;
  const { query, positive } = slot.topic;
  const reflection = generation.recipe === "syneg" && generation.reflection;
  const read = withTitleLike(positive, readAnswer(completion.text, completion.finish, { reflection }));
  const { passage } = read;
  if (!passage || read.rejected) return outcomeOf(read, []);
  const near = await orStopped(similar(documentText(passage)), signal);
  // No waiting between this check and the draft's entry among the siblings: two like it would both pass.
  const like = siblingFlaw(passage.text, siblings());
  const flaws = checkPassage({ query: query.text, positive, passage, similar: near });
  return outcomeOf(read, [...flaws, ...(like ? [like] : [])]);
}

/** Rejects only where `ask` does or the signal fires: every answer becomes a draft. */
export async function writeDraft(planned: Try, work: Work): Promise<Draft> {
  const { topic, prompt, key, attempt } = planned;
  const { generation, model, now } = work;
  const spent: Spent = { promptTokens: 0, completionTokens: 0, seconds: 0 };
  const put = putting(planned, work, spent);
  const given =
    generation.recipe === "causalneg"
      ? await viaBoundary(planned, generation, put)
      : answered(prompt, await put(prompt));
  const judged: AnswerJudged =
    "completion" in given
      ? await readAndCheck(planned, given.completion, work)
      : { outcome: "rejected", notes: [given.note], title: "", text: "" };
  const raw = "completion" in given ? given.completion.text : given.answer;
  return {
    key,
    queryId: topic.query.id,
    positiveId: topic.positive.id,
    source: "synthetic",
    ...judged,
    attributes: given.attributes,
    provider: model.info.provider,
    model: model.info.id,
    recipe: recipeName(generation),
    seed: prompt.seed,
    attempt,
    answer: judged.outcome === "accepted" ? "" : raw.slice(0, mostKept).toWellFormed(),
    ...spent,
    createdAt: now().toISOString(),
  };
}
