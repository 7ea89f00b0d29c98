/**
 * "Continue on a cluster": rows, judgements, encoder and recipe of a run, and the programs that go on with them where there is
 * more than one machine: sentence-transformers for training, vLLM and Ray Data for writing decoys.
 */
import type { Collection, Judgement } from "../../domain/collection.ts";
import { piecesOf } from "../../base/fileSource.ts";
import { sourcesOf, type EncoderFiles } from "../../domain/encoder.ts";
import { beirFiles } from "../files/beir.ts";
import { mediaTypes, textFile, type DataFile, type PlainFile } from "../files/file.ts";
import type { TrainingInput } from "../files/training.ts";
import { Unwritable } from "../files/unwritable.ts";
import { clusterReadme } from "./readme.ts";
import { clusterRecipe, type RecipeInput } from "./recipe.ts";
import { clusterRows } from "./rows.ts";
import { writingFiles, type WritingInput } from "./writing.ts";
import trainProgram from "./train.py?raw";

export interface ClusterInput extends Omit<RecipeInput, "evaluate"> {
  readonly rows: TrainingInput;
  /** That the run started from. */
  readonly folder: EncoderFiles;
  /** What the run was measured by; left out where the collection is no longer there or nothing was judged. */
  readonly measured?: {
    readonly split: string;
    readonly collection: Collection;
    readonly judgements: readonly Judgement[];
  };
  /** Requests for more decoys; left out where there is nothing to ask for. */
  readonly writing?: WritingInput;
}

/** The judgements alone and the queries that they are of, so that nothing else is measured. Ids that no TSV holds go as JSON lines. */
function evaluation({ split, collection, judgements }: NonNullable<ClusterInput["measured"]>): readonly PlainFile[] {
  const judged = new Set(judgements.map(({ queryId }) => queryId));
  const queries = collection.queries.filter(({ id }) => judged.has(id));
  const own = { ...collection, queries, negatives: [], judgements: { [split]: judgements } };
  const inData = (files: readonly PlainFile[]) => files.map((file) => ({ ...file, name: `data/beir/${file.name}` }));
  try {
    return inData(beirFiles(own));
  } catch (error) {
    if (error instanceof Unwritable) return inData(beirFiles(own, { qrels: "jsonl" }));
    throw error;
  }
}

/** Bytes of a file that are in memory at once. */
const pieceBytes = 4 * 2 ** 20;

/** Weights are stored as they are, texts are packed. */
const encoderFiles = (folder: EncoderFiles): readonly DataFile[] =>
  sourcesOf(folder).map((source) => ({
    name: `encoder/${source.name}`,
    type: /\.(json|txt)$/u.test(source.name) ? mediaTypes.text : mediaTypes.bytes,
    chunks: () => piecesOf(source, pieceBytes),
  }));

/** All files of the bundle, the README first. Errors: Unwritable. */
export function clusterFiles(input: ClusterInput): readonly DataFile[] {
  const { rows, folder, measured, writing } = input;
  const evaluated = measured && measured.judgements.length > 0 ? measured : undefined;
  const recipe = clusterRecipe({ ...input, evaluate: evaluated ? { split: evaluated.split } : null });
  const bytes = sourcesOf(folder).reduce((sum, { size }) => sum + size, 0);
  const readme = clusterReadme({
    recipe,
    rows: rows.trainingSet.rows.length,
    encoderBytes: bytes,
    requests: writing?.count ?? 0,
    ...(evaluated && { judged: evaluated.judgements.length, documents: evaluated.collection.documents.length }),
  });
  return [
    textFile("README.md", mediaTypes.text, () => [readme]),
    textFile("recipe.json", mediaTypes.json, () => [`${JSON.stringify(recipe, null, 2)}\n`]),
    textFile("train.py", mediaTypes.text, () => [trainProgram]),
    ...clusterRows(rows),
    ...(evaluated ? evaluation(evaluated) : []),
    ...(writing ? writingFiles(writing) : []),
    ...encoderFiles(folder),
  ];
}
