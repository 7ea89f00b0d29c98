/**
 * Queries for documents that have none. A query is kept if the search finds its own document for it (round-trip filter,
 * Promptagator, arXiv 2209.11755): what does not lead back is too wide, or asks for something else.
 */
import { random } from "../base/random.ts";
import type { Document } from "../domain/collection.ts";
import { documentText } from "../domain/collection.ts";
import type { WriteQueriesInput, WrittenQuery } from "../domain/synthesis.ts";
import { ask, Losses, usualPatience } from "./ask.ts";
import { isUnspaced, shinglesOf, unitsOf } from "./overlap.ts";
import { queryPrompt } from "./queryPrompt.ts";
import { inParallel, orStopped, stoppable, type Desk } from "./queue.ts";
import { queryKeys } from "./schemas.ts";
import { readStrings } from "./strings.ts";

/** Words in a row that a query may not take from its document. */
const copied = 8;
/** Characters in a row, where words are not set apart. */
const copiedUnspaced = 16;
/** In characters; a search box takes hardly more. */
const longest = 400;
/** Searched so deep at least, so that a query that is not kept can be told its rank. */
const depth = 100;
const tries = 2;

interface Shared {
  readonly input: WriteQueriesInput;
  readonly desk: Desk<WrittenQuery>;
  readonly losses: Losses;
  /** Words of the queries that were written so far. */
  readonly written: Set<string>;
}

function ordinal(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${(!teen && { 1: "st", 2: "nd", 3: "rd" }[n % 10]) || "th"}`;
}

/** What speaks against a query before it is searched for. */
function fault(text: string, document: Document, written: ReadonlySet<string>): string | undefined {
  const units = unitsOf(text);
  if (units.length === 0) return "has no words";
  if (text.length > longest) return `has ${text.length} characters; ${longest} is the most`;
  if (written.has(units.join(" "))) return "the same as another written query";
  const most = isUnspaced(units) ? copiedUnspaced : copied;
  const runs = shinglesOf(unitsOf(documentText(document)), most);
  const copies = [...shinglesOf(units, most)].some((run) => runs.has(run));
  return copies ? `copies ${most} ${most === copied ? "words" : "characters"} in a row from its document` : undefined;
}

async function judged(text: string, document: Document, { input, desk, written }: Shared): Promise<WrittenQuery> {
  const { top, search } = input;
  const problem = fault(text, document, written);
  written.add(unitsOf(text).join(" "));
  const query = { documentId: document.id, text };
  if (problem !== undefined) return { ...query, kept: false, reason: problem };
  const searched = Math.max(top, depth);
  const rank = (await orStopped(search(text, searched), desk.signal)).indexOf(document.id) + 1;
  if (rank === 0) return { ...query, kept: false, reason: `not among the first ${searched}` };
  return { ...query, kept: rank <= top, reason: `ranks ${ordinal(rank)}` };
}

/** The queries in the first answer that has any, or why there are none. */
async function queriesFor(document: Document, { input, desk, losses }: Shared): Promise<readonly string[] | string> {
  const { perDocument, seed, model } = input;
  let why = "";
  for (let attempt = 1; attempt <= tries; attempt++) {
    const request = {
      ...queryPrompt(document, perDocument),
      maxTokens: Math.min(4096, 128 * (perDocument + 1)),
      temperature: 0.7,
      topP: 0.95,
      seed: random(seed, `${document.id} queries ${attempt}`).integer(2 ** 31),
      about: { queryId: "", index: attempt - 1 },
    };
    const asked = await ask(model, request, { ...usualPatience, signal: desk.signal });
    if (asked.kind === "failed") {
      const end = losses.failed(asked.why);
      if (end) throw end;
      why = asked.why;
      continue;
    }
    losses.answered();
    const queries = readStrings(asked.completion, queryKeys.queries);
    if (queries) return queries.slice(0, perDocument);
    why = "the answer could not be read";
  }
  return `no queries in ${tries} tries: ${why}`;
}

async function writeFor(document: Document, shared: Shared): Promise<void> {
  const { desk } = shared;
  const queries = await queriesFor(document, shared);
  if (typeof queries === "string")
    return desk.give({ documentId: document.id, text: "", kept: false, reason: queries });
  for (const text of queries) await desk.give(await judged(text, document, shared));
}

/**
 * Every query that was written, kept or not; a document without any comes once with an empty text and the reason.
 * Errors: ProviderRefused, ModelFailed (no answers at all), and the signal's reason after a stop.
 */
export function writeQueries(input: WriteQueriesInput): AsyncGenerator<WrittenQuery, void, void> {
  return stoppable(input.signal, (signal) =>
    inParallel<Document, WrittenQuery>({
      items: input.documents,
      limit: input.model.info.concurrency,
      signal,
      lasting: () => true,
      workAt(desk) {
        const shared: Shared = { input, desk, losses: new Losses(), written: new Set() };
        return (document) => writeFor(document, shared);
      },
    }),
  );
}
