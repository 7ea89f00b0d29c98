/**
 * CausalNeg's recipe (arXiv 2606.01304), two requests a negative: find the boundary of the answer, then rewrite a passage
 * that the search found so that it lies beyond the boundary. Stages and strategies are the paper's, the words are ours.
 */
import { random, shuffled } from "../base/random.ts";
import type { Generation } from "../domain/generation.ts";
import type { Prompt, Topic } from "../domain/synthesis.ts";
import { drawAttributes, modelSeed, type Draw, type Seeded } from "./attributes.ts";
import { asData, excerpt, partsOf } from "./parts.ts";
import { another, exampleData, exampleOf, shown, systemMessage, userMessage, valuesOf } from "./prompt.ts";
import { boundaryKeys, boundarySchema, breakStrategies, editSchema, type BreakStrategy } from "./schemas.ts";

/** Most tokens of each passage that is shown: two of them, the analysis and the answer fit a context of 4,096. */
const passageTokens = 800;

const meanings: Readonly<Record<BreakStrategy, string>> = {
  entity_shift: "another person, place, thing, substance or work of the same kind is the subject",
  intent_drift: "the subject is the same, but the passage serves another need than the one behind the query",
  constraint_violation: "one condition of the query is not met: its time, place, group, amount or circumstance",
  attribute_shift: "the subject is the same, but the passage tells of another property than the one asked for",
  relation_break: "the same subjects occur, but the relation between them that the query asks for is not stated",
  upstream_downstream:
    "the passage tells of what comes before or after (cause, condition, effect), not of the thing asked for",
};

const boundaryFormat = `Format: Answer with one JSON object and nothing else. Its keys, in this order:
"${boundaryKeys.need}": what the query needs at its core, in one sentence;
"${boundaryKeys.how}": how the positive document meets that need, in one sentence;
"${boundaryKeys.boundary}": what exactly would have to change for a passage not to answer, in one sentence;
"${boundaryKeys.breaks}": two to four ways to do so, each an object with "${boundaryKeys.strategy}", one of the names below, and "${boundaryKeys.change}", what would change in this example.
${breakStrategies.map((name) => `- ${name}: ${meanings[name]}`).join("\n")}`;

/** First stage: the analysis. It has the recipe's role and reasoning; its format is fixed. */
export function boundaryPrompt(topic: Topic, generation: Generation, draw: Draw): Prompt & Seeded {
  const { id } = topic.query;
  const attributes = drawAttributes(generation, id, draw.index);
  const example = exampleOf(topic, passageTokens);
  const { role, reasoning } = partsOf(generation);
  const values = valuesOf(example, attributes, { ...generation, reflection: false });
  return {
    messages: [
      { role: "system", content: systemMessage([role, reasoning, boundaryFormat], values) },
      { role: "user", content: userMessage(exampleData(example), "Answer with the JSON object only.") },
    ],
    schema: boundarySchema(example.positive.text, generation.maxTokens),
    attributes,
    seed: modelSeed(generation, id, draw, "boundary"),
  };
}

interface Break {
  readonly strategy: BreakStrategy;
  /** What is to change in this example; "" where the analysis did not say. */
  readonly change: string;
}

/** What the second request takes from the analysis. */
interface Analysed {
  /** The strategy's name, and its name with what it means. */
  readonly strategy: string;
  readonly way: string;
  readonly change: string;
  /** The boundary of the answer; "" where the analysis did not say. */
  readonly line: string;
}

/** Stands in a preview for what the analysis will say. */
export const awaited: Analysed = {
  strategy: "⟨one of the strategies that the first answer proposes⟩",
  way: "⟨one of the strategies that the first answer proposes, and what it means⟩",
  change: "⟨what the first answer says would change along it⟩",
  line: "⟨the boundary as the first answer draws it⟩",
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const words = (value: unknown) => (typeof value === "string" ? excerpt(value.trim(), 100) : "");

/** The ways that the analysis proposed; all six where it proposed none that is known. */
function breaksIn(boundary: Readonly<Record<string, unknown>>): readonly Break[] {
  const listed: unknown = boundary[boundaryKeys.breaks];
  const proposed = (Array.isArray(listed) ? listed : []).filter(isObject).flatMap((way) => {
    const strategy = breakStrategies.find((name) => name === way[boundaryKeys.strategy]);
    return strategy ? [{ strategy, change: words(way[boundaryKeys.change]) }] : [];
  });
  return proposed.length > 0 ? proposed : breakStrategies.map((strategy) => ({ strategy, change: "" }));
}

/** Several negatives of one query go different ways as long as there are any. */
function chosenBreak(generation: Generation, topic: Topic, index: number, boundary: Readonly<Record<string, unknown>>) {
  const ways = shuffled(breaksIn(boundary), random(generation.seed, `${topic.query.id} strategies`));
  return ways[index % ways.length] ?? { strategy: "entity_shift", change: "" };
}

/** What is missing in the analysis is left out. */
function analysedIn(
  topic: Topic,
  generation: Generation,
  index: number,
  boundary: Readonly<Record<string, unknown>>,
): Analysed {
  const { strategy, change } = chosenBreak(generation, topic, index, boundary);
  const way = `${strategy} (${meanings[strategy]})`;
  return { strategy, way, change, line: words(boundary[boundaryKeys.boundary]) };
}

function editWith(topic: Topic, generation: Generation, draw: Draw, analysed: Analysed): Prompt & Seeded {
  const { id } = topic.query;
  const { index } = draw;
  const { strategy, way, change, line } = analysed;
  const drawn = drawAttributes(generation, id, index);
  const example = exampleOf(topic, passageTokens);
  const candidate = topic.found[index % topic.found.length];
  const found = candidate && shown(candidate, passageTokens);
  const data = {
    ...exampleData(example),
    ...(line !== "" && { answer_boundary: line }),
    ...(change !== "" && { planned_change: change }),
    ...(found && found.title !== "" && { found_title: found.title }),
    ...(found && { found_document: found.text }),
  };
  const values = {
    ...valuesOf(example, drawn, { ...generation, reflection: false }),
    found: found && asData(found.text),
    strategy: way,
  };
  const { role, task, hardNegatives, attributes, format } = partsOf(generation);
  const request = `Write the hard negative document now. ${another(index)}Answer with the JSON object only.`;
  return {
    messages: [
      { role: "system", content: systemMessage([role, task, hardNegatives, attributes, format], values) },
      { role: "user", content: userMessage(data, request) },
    ],
    schema: editSchema(example.positive, generation.maxTokens),
    attributes: { ...drawn, strategy },
    seed: modelSeed(generation, id, draw, "edit"),
  };
}

/**
 * Second stage: the passage. `boundary` is the first stage's answer as it came. The `index`-th negative rewrites the
 * `index`-th passage found; where none was found the model writes anew.
 */
export function editPrompt(
  topic: Topic,
  generation: Generation,
  draw: Draw,
  boundary: Readonly<Record<string, unknown>>,
): Prompt & Seeded {
  return editWith(topic, generation, draw, analysedIn(topic, generation, draw.index, boundary));
}

/** The second stage before the first one was answered. */
export const editPreview = (topic: Topic, generation: Generation, draw: Draw): Prompt & Seeded =>
  editWith(topic, generation, draw, awaited);
