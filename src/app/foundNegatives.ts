/** The documents that a run on the selected collection took as negatives: what there is to judge of its mining. */
import { documentText } from "../domain/collection.ts";
import { isWritten } from "../domain/configNegatives.ts";
import type { CollectionId, DocumentId, QueryId } from "../domain/ids.ts";
import type { FoundNegative, NegativeSource } from "../domain/negative.ts";
import { type RunRecord, stageNames } from "../domain/run.ts";
import type { Topic } from "../domain/synthesis.ts";
import type { TrainingSet } from "../domain/training.ts";
import type { App } from "./app.ts";
import { checkpointOf, productsOf } from "./runState.ts";
import { documentsById, type OpenCollection, topicsOf } from "./topics.ts";

export type FoundSource = FoundNegative["source"];

/** A passage of the collection beside a query that it should not answer. */
export interface FoundPassage {
  readonly topic: Topic;
  readonly title: string;
  readonly text: string;
  readonly source: FoundSource;
  /** All queries and all documents that read so: a row knows texts only, the gate asks by id. */
  readonly queryIds: readonly QueryId[];
  readonly documentIds: readonly DocumentId[];
}

export interface FoundByRun {
  readonly run: RunRecord;
  /** Each query with each text once, in the order of the rows. */
  readonly passages: readonly FoundPassage[];
}

const isFound = (source: NegativeSource): source is FoundSource => !isWritten(source) && source !== "given";

/** Whether its rows are there: they are stored before the stage after the mix begins. */
const hasRows = ({ stage }: RunRecord): boolean => stageNames.indexOf(stage) > stageNames.indexOf("mix");

/** The runs on a collection as it is now that have rows, newest first. */
export function runsWithRows({ runs, collections }: App, id: CollectionId): RunRecord[] {
  const digest = collections.list.value.find((record) => record.id === id)?.digest;
  return runs.value.filter((run) => run.collection === id && run.collectionDigest === digest && hasRows(run));
}

/** What the newest run found that found anything; undefined where none did. */
export async function foundByRun(app: App, open: OpenCollection): Promise<FoundByRun | undefined> {
  for (const run of runsWithRows(app, open.id)) {
    const passages = await passagesOf(app, open, run);
    if (passages.length > 0) return { run, passages };
  }
  return undefined;
}

interface Negative {
  readonly source: FoundSource;
  /** What the encoder reads of the query and of the document. */
  readonly query: string;
  readonly document: string;
}

async function passagesOf(app: App, open: OpenCollection, run: RunRecord): Promise<FoundPassage[]> {
  const { trainingSet } = await productsOf(app, run.id);
  if (!trainingSet) return [];
  const mined = await minedByAnce(app, open, run, trainingSet);
  return passagesIn(open, [...rowNegatives(trainingSet), ...mined]);
}

function rowNegatives({ rows, queries, documents }: TrainingSet): Negative[] {
  return rows.flatMap(({ query, negatives }) =>
    negatives.flatMap(({ source, document }) =>
      isFound(source) ? [{ source, query: queries[query] ?? "", document: documents[document] ?? "" }] : [],
    ),
  );
}

/** What ANCE's last index gave: it lies in the checkpoint, as positions in the collection. What ADORE found is not kept. */
async function minedByAnce(
  app: App,
  { collection }: OpenCollection,
  { id, config }: RunRecord,
  { rows, queries }: TrainingSet,
): Promise<Negative[]> {
  const request = config.negatives.find(({ source }) => source === "ance");
  const mined = request && (await checkpointOf(app, id))?.mined;
  if (!request || !mined) return [];
  return rows.flatMap(({ query }, row) =>
    [...mined.documents.subarray(row * request.count, (row + 1) * request.count)].flatMap((position) => {
      const document = collection.documents[position];
      return document
        ? [{ source: "ance" as const, query: queries[query] ?? "", document: documentText(document) }]
        : [];
    }),
  );
}

/** The items by what they read as. */
function byText<T>(items: Iterable<T>, textOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(textOf(item));
    if (group) group.push(item);
    else groups.set(textOf(item), [item]);
  }
  return groups;
}

/** Queries that were made of documents are none of the collection's and are left out. */
function passagesIn({ collection }: OpenCollection, negatives: readonly Negative[]): FoundPassage[] {
  const topics = byText(topicsOf(collection), ({ query }) => query.text);
  const documents = byText(documentsById(collection).values(), documentText);
  const passages = new Map<string, FoundPassage>();
  for (const { source, query, document } of negatives) {
    const key = JSON.stringify([query, document]);
    const [same = [], copies = []] = [topics.get(query), documents.get(document)];
    const [[topic], [passage]] = [same, copies];
    if (!topic || !passage || passages.has(key)) continue;
    const ids = { queryIds: same.map(({ query: { id } }) => id), documentIds: copies.map(({ id }) => id) };
    passages.set(key, { topic, title: passage.title, text: passage.text, source, ...ids });
  }
  return [...passages.values()];
}
