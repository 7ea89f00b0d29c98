/**
 * A project in one file, format 1: a zip of what the page stores, made to be read back.
 *
 *     manifest.json                       what lies where, and the length and SHA-256 of every other entry
 *     collections/<n>/record.json         the collection's record: name, counts, leaks that were found, rejected rows
 *     collections/<n>/documents/<i>.json  rows as JSON arrays of about 1 MiB; likewise queries/, negatives/, drafts/ (with
 *                                         their reviews), verdicts/, and judgements/<split's number>/
 *     collections/<n>/generation.json     what decoys were last asked for
 *     encoders/<n>/<file's number>/<i>.bin  the files of an encoder folder in parts of 4 MiB
 *     runs/<n>/record.json, runs/<n>/<product>.json, runs/<n>/checkpoint.json
 *     settings.json                       small settings by their keys, as the page gave them
 *
 * A value is JSON (values.ts) in one or more parts; its number arrays lie beside it as little-endian parts, `…/<k>/<i>.bin`.
 * Ids and names stand in the manifest, never in paths. A collection that ships with the page has drafts but no record or rows.
 * JSON is deflated, numbers are stored as they are. The manifest comes last, since it knows every digest.
 * A change that an older page would misread gets a new version, and an older page refuses it.
 */
import * as v from "valibot";

export const formatName = "decoy-project";
export const formatVersion = 1;

/** Below what src/data/zip.ts unpacks, so that whatever is written can be read. */
export const limits = {
  entries: 10_000,
  manifestBytes: 16 * 2 ** 20,
  entryBytes: 64 * 2 ** 20,
  totalBytes: 2 * 2 ** 30 - 64 * 2 ** 20,
} as const;

export const manifestPath = "manifest.json";

/** Lower-case names without dots at their ends: no path leads anywhere. */
const path = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(/^[a-z0-9]+(?:[/.-][a-z0-9]+)*$/iu, "is no path of a project"),
);
const paths = v.array(path);
const shortText = v.pipe(v.string(), v.maxLength(2000));

export const arrayTypes = ["f32", "f64", "i32", "u32", "u8"] as const;

const value = v.strictObject({
  text: v.pipe(paths, v.minLength(1)),
  arrays: v.array(v.strictObject({ type: v.picklist(arrayTypes), parts: paths })),
});
export type ValuePlace = v.InferOutput<typeof value>;

const collection = v.strictObject({
  id: shortText,
  createdAt: shortText,
  /** Null where it ships with the page, or was damaged in the store. */
  content: v.nullable(
    v.strictObject({
      record: value,
      documents: paths,
      queries: paths,
      judgements: v.array(v.strictObject({ split: shortText, parts: paths })),
      negatives: paths,
    }),
  ),
  drafts: paths,
  verdicts: paths,
  generation: v.nullable(value),
});
export type CollectionPlace = v.InferOutput<typeof collection>;

const encoder = v.strictObject({
  key: shortText,
  name: shortText,
  createdAt: shortText,
  /** Of its files, whatever store it was in. */
  digest: shortText,
  files: v.array(v.strictObject({ path: shortText, parts: paths })),
});
export type EncoderPlace = v.InferOutput<typeof encoder>;

const run = v.strictObject({
  id: shortText,
  record: value,
  products: v.array(v.strictObject({ name: shortText, value })),
  checkpoint: v.nullable(value),
});
export type RunPlace = v.InferOutput<typeof run>;

const shipped = v.strictObject({ id: shortText, digest: shortText });
/** A collection that comes with the page, and the SHA-256 of its content. */
export type Shipped = v.InferOutput<typeof shipped>;

const contents = {
  shipped: v.array(shipped),
  collections: v.array(collection),
  encoders: v.array(encoder),
  runs: v.array(run),
  settings: value,
} as const;

const contentsSchema = v.strictObject(contents);
export type Contents = v.InferOutput<typeof contentsSchema>;

export const manifestSchema = v.strictObject({
  format: v.literal(formatName),
  version: v.literal(formatVersion),
  /** The page that wrote it. */
  app: shortText,
  /** ISO 8601. */
  createdAt: shortText,
  ...contents,
  entries: v.array(
    v.strictObject({
      path,
      bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u)),
    }),
  ),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;

const ofValue = ({ text, arrays }: ValuePlace): string[] => [...text, ...arrays.flatMap(({ parts }) => parts)];

function ofCollection({ content, drafts, verdicts, generation }: CollectionPlace): string[] {
  const written = [...drafts, ...verdicts, ...(generation ? ofValue(generation) : [])];
  if (!content) return written;
  const { record, documents, queries, judgements, negatives } = content;
  const judged = judgements.flatMap(({ parts }) => parts);
  return [...ofValue(record), ...documents, ...queries, ...judged, ...negatives, ...written];
}

/** What tells a run from another of the same id: its record and products, in order. */
export const ownPaths = ({ record, products }: RunPlace): string[] => [
  ...ofValue(record),
  ...products.flatMap(({ value }) => ofValue(value)),
];

/** Every path that something lies at, as often as it is named. */
export const pathsOf = ({ collections, encoders, runs, settings }: Contents): string[] => [
  ...collections.flatMap(ofCollection),
  ...encoders.flatMap(({ files }) => files.flatMap(({ parts }) => parts)),
  ...runs.flatMap((run) => [...ownPaths(run), ...(run.checkpoint ? ofValue(run.checkpoint) : [])]),
  ...ofValue(settings),
];
