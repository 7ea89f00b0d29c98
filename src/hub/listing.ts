/** What a repository holds at a revision, and which of it an encoder needs. */
import * as v from "valibot";
import { DamagedDownload, NotOnHub } from "./errors.ts";
import { checkId, jsonOf, listingUrl, type Hub, type Repository } from "./request.ts";

export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** Of files that git keeps elsewhere (LFS): the weights, large tokenizers. */
  readonly sha256?: string | undefined;
  /** Of the others: git's SHA-1 of "blob", size and content. */
  readonly blob?: string | undefined;
}

export interface Listing {
  readonly id: string;
  /** The commit that a branch or tag stood for. */
  readonly revision: string;
  /** As the model card names it. */
  readonly licence?: string | undefined;
  readonly files: readonly HubFile[];
}

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`, "u")));

/** The hub's answer to /api/models/<id>/revision/<revision>?blobs=true (huggingface_hub, hf_api.py: ModelInfo, RepoSibling). */
const answer = v.looseObject({
  sha: hex(40),
  siblings: v.array(
    v.looseObject({
      rfilename: v.string(),
      size: v.nullish(natural),
      blobId: v.nullish(v.string()),
      lfs: v.nullish(v.looseObject({ sha256: hex(64), size: natural })),
    }),
  ),
  cardData: v.nullish(v.looseObject({ license: v.nullish(v.union([v.string(), v.array(v.string())])) })),
});

/** The repository's files at a revision, with its commit. Errors: every one of errors.ts. */
export async function listingOf(hub: Hub, repository: Repository): Promise<Listing> {
  const { id, revision } = repository;
  checkId(id);
  const what = `${id}, revision ${revision}`;
  const parsed = v.safeParse(answer, await jsonOf(hub, listingUrl(hub, repository), what));
  if (!parsed.success)
    throw new DamagedDownload(
      `What the hub says of ${what} is not a list of files (${v.getDotPath(parsed.issues[0]) ?? "all of it"}). Try again later.`,
    );
  const { sha, siblings, cardData } = parsed.output;
  const files = siblings.flatMap(({ rfilename, size, blobId, lfs }): HubFile[] => {
    const bytes = lfs?.size ?? size;
    if (bytes === null || bytes === undefined) return [];
    return [{ path: rfilename, size: bytes, sha256: lfs?.sha256, blob: lfs ? undefined : (blobId ?? undefined) }];
  });
  return { id, revision: sha, licence: [cardData?.license ?? []].flat().join(", ") || undefined, files };
}

const ROOT_FILES = [
  "modules.json",
  "config.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
  "sentence_roberta_config.json",
  "sentence_distilbert_config.json",
  "sentence_camembert_config.json",
  "sentence_xlm-roberta_config.json",
  "README.md",
];
const MODULE_FILES = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "sentencepiece.bpe.model",
];
/** Of an encoder: above what a page can open, below what would fill a disk unasked. */
const MAX_BYTES = 8 * 2 ** 30;

/** A module's folder as sentence-transformers names it, or none for the root. */
const MODULE_PATH = /^(\d{1,2}_[A-Z]\w{0,40})?$/u;
const SHARD = /^[\w-][\w.-]*\.safetensors$/u;

const modulesJson = v.array(v.looseObject({ type: v.string(), path: v.optional(v.string(), "") }));
const indexJson = v.looseObject({ weight_map: v.record(v.string(), v.string()) });

/** A file's text; asked for only where the listing has the file. */
export type ReadText = (path: string) => Promise<string>;

async function jsonFile<S extends v.GenericSchema>(schema: S, path: string, read: ReadText): Promise<v.InferOutput<S>> {
  try {
    return v.parse(schema, JSON.parse(await read(path)));
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof v.ValiError)) throw cause;
    throw new NotOnHub(
      `${path} of this encoder is not what it should be, so its files are not known. Choose another.`,
      {
        cause,
      },
    );
  }
}

interface Folders {
  readonly names: ReadonlySet<string>;
  readonly read: ReadText;
}

/** Of the modules: "" where there is no modules.json. */
async function moduleFolders({ names, read }: Folders): Promise<{ readonly weights: string; readonly all: string[] }> {
  if (!names.has("modules.json")) return { weights: "", all: ["", "1_Pooling/"] };
  const modules = await jsonFile(modulesJson, "modules.json", read);
  const odd = modules.find(({ path }) => !MODULE_PATH.test(path));
  if (odd)
    throw new NotOnHub(
      `modules.json names the folder “${odd.path.slice(0, 80)}”, which no module has. Choose another encoder.`,
    );
  const all = modules.map(({ path }) => path && `${path}/`);
  return { weights: all[0] ?? "", all };
}

/** model.safetensors in a folder, or the shards of its index. */
async function weightFiles(at: string, { names, read }: Folders): Promise<string[]> {
  const single = `${at}model.safetensors`;
  if (names.has(single)) return [single];
  const index = `${single}.index.json`;
  if (names.has(index)) {
    const { weight_map } = await jsonFile(indexJson, index, read);
    const shards = [...new Set(Object.values(weight_map))];
    const missing = shards.filter((shard) => !SHARD.test(shard) || !names.has(at + shard));
    if (missing.length > 0)
      throw new NotOnHub(`${index} names ${missing.length} files that are not there. Choose another revision.`);
    return [index, ...shards.map((shard) => at + shard)];
  }
  const other = ["pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"].find((name) => names.has(at + name));
  throw new NotOnHub(
    other === undefined
      ? `There is no ${single} here, so there are no weights that Decoy reads. Choose another encoder.`
      : `Its weights are here only as ${other}, a form that can run code when it is read. Choose a revision with model.safetensors (the hub's converter proposes one under “Community”, as refs/pr/…), or convert it and open the folder here.`,
  );
}

/** The files that an encoder is opened from: what modules.json names, the weights, the tokenizer. Errors: {@link NotOnHub}. */
export async function neededFiles({ files }: Pick<Listing, "files">, read: ReadText): Promise<readonly HubFile[]> {
  const folders = { names: new Set(files.map(({ path }) => path)), read };
  const { weights, all } = await moduleFolders(folders);
  const texts = [...ROOT_FILES, ...["", ...all].flatMap((at) => MODULE_FILES.map((name) => at + name))];
  const wanted = new Set([...texts, ...(await weightFiles(weights, folders))]);
  const needed = files.filter(({ path }) => wanted.has(path));
  const bytes = needed.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= MAX_BYTES) return needed;
  throw new NotOnHub(`Its files have ${bytes} bytes; at most ${MAX_BYTES} are fetched. Choose a smaller encoder.`);
}
