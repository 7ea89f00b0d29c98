/**
 * Writes the negatives that are missing: for every topic and index one draft that passes the checks, within the recipe's
 * tries. What is stored already is never asked again, so a generation that was stopped goes on where it stood.
 */
import { relay } from "../base/relay.ts";
import type { Draft } from "../domain/draft.ts";
import type { QueryId } from "../domain/ids.ts";
import { ProviderRefused, type CompletionRequest } from "../domain/languageModel.ts";
import type { GenerateInput, GenerateReport, GenerateSummary } from "../domain/synthesis.ts";
import { ask, Losses, type Asked } from "./ask.ts";
import { tryOf, writeDraft, type Slot } from "./attempt.ts";
import { metering, type Meter } from "./meter.ts";
import { inParallel, stoppable, type Desk } from "./queue.ts";

interface Tally {
  asked: number;
  accepted: number;
  repaired: number;
  rejected: number;
  promptTokens: number;
  completionTokens: number;
}

/** What the workers of one generation share. */
interface Shared {
  readonly input: GenerateInput;
  readonly total: number;
  done: number;
  readonly tally: Tally;
  readonly losses: Losses;
  /** Keys that this generation asked for. */
  readonly claimed: Set<string>;
  /** Usable drafts by query, stored and new, oldest first. */
  readonly siblings: Map<QueryId, readonly Draft[]>;
  readonly desk: Desk<GenerateReport>;
  /** For one answer; what all of them have is mentioned at the desk. */
  readonly meter: () => Meter;
}

const usable = (draft: Draft) => draft.outcome !== "rejected";

function byQuery(drafts: Iterable<Draft>): Map<QueryId, readonly Draft[]> {
  const groups = new Map<QueryId, Draft[]>();
  for (const draft of drafts) {
    const group = groups.get(draft.queryId);
    if (group) group.push(draft);
    else groups.set(draft.queryId, [draft]);
  }
  return groups;
}

/** Each topic and index once, however often the topic is listed; the first negatives of all topics before the second ones. */
function slotsOf({ topics, generation }: GenerateInput): Slot[] {
  const distinct = new Map(topics.map((topic) => [JSON.stringify([topic.query.id, topic.positive.id]), topic]));
  return Array.from({ length: generation.perQuery }, (_, index) =>
    [...distinct.values()].map((topic) => ({ topic, index })),
  ).flat();
}

/** Recorded answers are the same whatever the seed. */
function triesOf({ model, generation }: GenerateInput): number {
  return model.info.provider === "recorded" ? 1 : generation.retries + 1;
}

/** Whether a stored draft is there for the slot, from whichever try. */
function filled(slot: Slot, input: GenerateInput, stored: readonly Draft[]): boolean {
  const latest = Math.max(0, ...stored.filter(usable).map(({ attempt }) => attempt));
  for (let attempt = 1; attempt <= latest; attempt++) {
    const known = input.known.get(tryOf(slot, attempt, input).key);
    if (known && usable(known)) return true;
  }
  return false;
}

/** Tries until a draft passes or no try is left; a try whose draft is stored is not made again. */
async function fillSlot(slot: Slot, shared: Shared): Promise<void> {
  const { input, desk, claimed, siblings } = shared;
  const { query } = slot.topic;
  for (let attempt = 1; attempt <= triesOf(input); attempt++) {
    const planned = tryOf(slot, attempt, input);
    if (input.known.has(planned.key) || claimed.has(planned.key)) continue;
    claimed.add(planned.key);
    const draft = await writeDraft(planned, {
      ...input,
      signal: desk.signal,
      siblings: () => siblings.get(query.id) ?? [],
      ask: (request) => askAloud(request, slot, shared),
    });
    const end = enter(draft, shared);
    await desk.give({ kind: "draft", draft });
    if (end) throw end;
    if (usable(draft)) return;
  }
}

/** Counts a draft. Returns the error to stop with when the model gives no answers at all. */
function enter(draft: Draft, shared: Shared): Error | undefined {
  const { input, tally, losses, siblings } = shared;
  tally[draft.outcome]++;
  tally.promptTokens += draft.promptTokens;
  tally.completionTokens += draft.completionTokens;
  if (usable(draft)) {
    siblings.set(draft.queryId, [...(siblings.get(draft.queryId) ?? []), draft]);
    shared.done++;
  }
  const unanswered = draft.notes.find(({ flaw }) => flaw === "noAnswer");
  // That a query has no recorded answer says nothing of the next one.
  if (unanswered && input.model.info.provider !== "recorded") return losses.failed(unanswered.text);
  losses.answered();
  return undefined;
}

/** A request that the consumer hears of before it goes out. */
async function askAloud(request: CompletionRequest, { topic }: Slot, shared: Shared): Promise<Asked> {
  const { input, desk, done, total } = shared;
  await desk.give({ kind: "asking", queryId: topic.query.id, done, total });
  shared.tally.asked++;
  const meter = shared.meter();
  const { stallAfter, timeout } = input.generation;
  try {
    return await ask(input.model, request, {
      signal: desk.signal,
      stallAfter,
      timeout,
      onTokens: (count) => meter.count(count),
    });
  } finally {
    meter.end();
  }
}

async function* run(input: GenerateInput, signal: AbortSignal): AsyncGenerator<GenerateReport, GenerateSummary, void> {
  const { model, generation } = input;
  if (model.info.provider === "recorded" && generation.recipe === "causalneg") {
    throw new ProviderRefused(
      "Recorded answers are finished passages; the recipe causalneg asks for an analysis first. Choose the recipe syneg, " +
        "or a language model.",
    );
  }
  const stored = byQuery(input.known.values());
  const slots = slotsOf(input);
  const open = slots.filter((slot) => !filled(slot, input, stored.get(slot.topic.query.id) ?? []));
  const tally: Tally = { asked: 0, accepted: 0, repaired: 0, rejected: 0, promptTokens: 0, completionTokens: 0 };
  const reports = inParallel<Slot, GenerateReport>({
    items: open,
    limit: model.info.concurrency,
    signal,
    lasting: ({ kind }) => kind === "draft",
    workAt(desk) {
      const shared: Shared = {
        input,
        desk,
        total: slots.length,
        done: slots.length - open.length,
        tally,
        losses: new Losses(),
        claimed: new Set(),
        siblings: byQuery([...input.known.values()].filter(usable)),
        meter: metering((tokens, seconds) => desk.mention({ kind: "tokens", tokens, seconds })),
      };
      return (slot) => fillSlot(slot, shared);
    },
  });
  let seconds = 0;
  yield* relay(
    reports,
    (report) => report,
    (more) => (seconds += more),
  );
  return { ...tally, missing: open.length - tally.accepted - tally.repaired, seconds };
}

/** Errors: ProviderRefused, ModelFailed (no answers at all), and the signal's reason after a stop. */
export function generate(input: GenerateInput): AsyncGenerator<GenerateReport, GenerateSummary, void> {
  return stoppable(input.signal, (signal) => run(input, signal));
}
