/**
 * A static encoder's folder, as StaticEmbedding of sentence-transformers writes and reads it (3.2.0, which brought it, to
 * 6.0.1; sentence_transformers/models/StaticEmbedding.py and SentenceTransformer.save): model.safetensors with one tensor
 * and tokenizer.json, in 0_StaticEmbedding up to version 4 and at the root since version 5, which modules.json tells. It
 * adds no special tokens and cuts a text only where tokenizer.json says so. Whether a Normalize module follows makes no
 * difference here: Decoy's vectors always have unit length.
 */
import type { EncoderFolder, StaticShape, WeightPrecision } from "../../domain/encoder.ts";
import { parameterTable, type ParameterTable } from "../parameters.ts";
import { checkVocabulary, modulesFile, required } from "./files.ts";
import { UnreadableEncoder, weightsFile, type Contents, type Module } from "./files.ts";
import type { Reading, Sizes } from "./reading.ts";
import { openTokenizer } from "./tokenizer.ts";
import { describeTensor, storedTensors, type StoredTensor, type StoredTensors } from "./weights.ts";

const NEEDS = "A static encoder needs model.safetensors and tokenizer.json where modules.json says";

/**
 * Longest text in tokens where tokenizer.json sets no lower bound: the vectors of so many tokens, 1,024 wide, just fit
 * what WebGPU binds by default (maxStorageBufferBindingSize, 128 MiB). A recipe cuts texts far earlier.
 */
export const MOST_TOKENS = 32_768;

/** StaticEmbedding's own name for its tensor, and that of model2vec, whose files it reads too. */
const TENSOR_NAMES = ["embedding.weight", "embeddings"];

export const isStatic = (modules: readonly Module[]): boolean => modules.some(({ kind }) => kind === "StaticEmbedding");

/** Where the one StaticEmbedding lies; refuses what Decoy would leave out. */
function placeOf(modules: readonly Module[]): string {
  const [first, ...rest] = modules;
  const stranger = first?.kind === "StaticEmbedding" ? rest.find(({ kind }) => kind !== "Normalize") : first;
  if (stranger) {
    throw new UnreadableEncoder(
      `modules.json: the module ${stranger.type} is not supported in a static encoder, whose vector is the mean of its ` +
        "tokens' vectors. Choose one of StaticEmbedding and Normalize only.",
    );
  }
  return first?.path ?? "";
}

function embeddingOf(file: string, tensors: StoredTensors): StoredTensor {
  const found = TENSOR_NAMES.flatMap((name) => tensors.get(name) ?? [])[0];
  if (!found) {
    const names = [...tensors.keys()].slice(0, 8).join(", ") || "nothing";
    throw new UnreadableEncoder(`${file} has no tensor ${TENSOR_NAMES.join(" or ")}; it holds ${names}.`);
  }
  if (found.dtype !== "I64" && found.shape.length === 2 && !found.shape.includes(0)) return found;
  throw new UnreadableEncoder(
    `${file}: ${found.name} is ${describeTensor(found)}; a table of token vectors is wanted.`,
  );
}

export function* openStatic(folder: EncoderFolder, modules: readonly Module[], sizes: Sizes): Reading<Contents> {
  const at = placeOf(modules);
  const tensors = yield* storedTensors(at, { folder, sizes, needs: NEEDS });
  const embedding = embeddingOf(`${at}model.safetensors`, tensors);
  const [vocabulary = 0, hidden = 0] = embedding.shape;
  const shape: StaticShape = { family: "static", hidden, vocabulary };
  const tokenizer = openTokenizer({
    tokenizer: new TextDecoder().decode(required(folder, `${at}tokenizer.json`, NEEDS)),
    specials: false,
  });
  checkVocabulary(tokenizer, shape);
  const table = parameterTable(shape);
  const maxTokens = Math.min(tokenizer.limit ?? MOST_TOKENS, MOST_TOKENS);
  return { shape, pooling: "mean", maxTokens, table, placed: [{ tensor: embedding, offset: 0 }], tokenizer };
}

/** Every version since 3.2 reads this folder; the root, versions before 5 do not. */
const PLACE = "0_StaticEmbedding";

interface Trained {
  readonly table: ParameterTable;
  readonly weights: Float32Array;
  readonly precision: WeightPrecision;
}

/** The files of the folder with these weights. */
export function staticFiles(
  folder: EncoderFolder,
  modules: readonly Module[],
  { table, weights, precision }: Trained,
): EncoderFolder["files"] {
  return {
    [`${PLACE}/model.safetensors`]: weightsFile(table, weights, precision),
    [`${PLACE}/tokenizer.json`]: required(folder, `${placeOf(modules)}tokenizer.json`, NEEDS),
    "modules.json": modulesFile([
      { kind: "StaticEmbedding", path: PLACE },
      { kind: "Normalize", path: "1_Normalize" },
    ]),
  };
}
