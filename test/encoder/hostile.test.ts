/** 200 folders that lie, made from a seed: each is refused in words, having read no byte twice and made no room for what is not there. */
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { isUserError } from "../../src/base/errors.ts";
import { streamSource, type FileSource } from "../../src/base/fileSource.ts";
import { random, type Random } from "../../src/base/random.ts";
import { openZip } from "../../src/data/zip.ts";
import { openSources } from "../../src/encoder/folder.ts";
import { counted, floatsMade, sourcesOf } from "../support/countedSources.ts";
import { pieces, tinyConfig, tinyEncoder } from "../support/encoder.ts";

type Entry = { dtype: string; shape: unknown; data_offsets: unknown };
type Header = Record<string, Entry>;
type Changes = Readonly<Record<string, unknown>>;

const honest = tinyEncoder();
const WEIGHTS = "model.safetensors";
const file = honest.files[WEIGHTS] ?? new Uint8Array();
const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
const headerText = new TextDecoder().decode(file.subarray(8, 8 + headerBytes));
const body = file.subarray(8 + headerBytes);
const names = Object.keys(JSON.parse(headerText) as Header).filter((name) => name !== "__metadata__");
const tokenizer = JSON.parse(new TextDecoder().decode(honest.files["tokenizer.json"])) as Record<string, unknown>;

const pick = <T>(source: Random, items: readonly [T, ...T[]]): T => items[source.integer(items.length)] ?? items[0];

/** A file of this header, its length as told or as it is. */
function withHeader(text: string, length: bigint = BigInt(new TextEncoder().encode(text).length), data = body) {
  const bytes = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + bytes.length + data.length);
  new DataView(out.buffer).setBigUint64(0, length, true);
  out.set(bytes, 8);
  out.set(data, 8 + bytes.length);
  return out;
}

/** The header with one tensor's entry changed. */
function lied(source: Random, change: (entry: Entry & { readonly data_offsets: [number, number] }) => object) {
  const header = JSON.parse(headerText) as Header;
  const name = names[source.integer(names.length)] ?? "";
  const entry = header[name] as Entry & { data_offsets: [number, number] };
  return withHeader(JSON.stringify({ ...header, [name]: { ...entry, ...change(entry) } }));
}

const weights = (bytes: Uint8Array): Changes => ({ [WEIGHTS]: bytes });
const config = (changes: object): Changes => ({ "config.json": { ...tinyConfig, ...changes } });
const tokens = (changes: object): Changes => ({ "tokenizer.json": { ...tokenizer, ...changes } });
const model = (changes: object): Changes => tokens({ model: { ...(tokenizer["model"] as object), ...changes } });
const notNumbers = [-1, -8, 0.5, 1e300, 2 ** 53, "8", null, [8], {}] as const;

function thousands(source: Random): string {
  const entry = `{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`;
  const many = Array.from({ length: 100_000 }, (_, i) => `"t${i}_${source.integer(9)}":${entry}`);
  return `{${many.join(",")}}`;
}

/** How many of each kind, and what one of them is. */
const kinds: Readonly<Record<string, readonly [number, (source: Random) => Changes]>> = {
  "cut short": [20, (source) => weights(file.slice(0, source.integer(file.length)))],
  "longer than its tensors": [
    5,
    (source) => weights(new Uint8Array([...file, ...new Uint8Array(1 + source.integer(99))])),
  ],
  "a length that is not the header's": [
    12,
    (source) =>
      weights(
        withHeader(headerText, pick(source, [0n, 1n, 7n, 2n ** 20n, 2n ** 27n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n])),
      ),
  ],
  "a byte of the header broken": [
    15,
    (source) => {
      const at = source.integer(headerText.trimEnd().length);
      return weights(withHeader(`${headerText.slice(0, at)}\u0001${headerText.slice(at + 1)}`));
    },
  ],
  "overlapping or apart": [
    15,
    (source) => {
      const by = pick(source, [4, -4, 32, -32, 1, 2 ** 30]);
      return weights(lied(source, ({ data_offsets: [begin, end] }) => ({ data_offsets: [begin + by, end + by] })));
    },
  ],
  "offsets that are none": [
    12,
    (source) => weights(lied(source, () => ({ data_offsets: [pick(source, notNumbers), pick(source, notNumbers)] }))),
  ],
  "shapes that are none": [12, (source) => weights(lied(source, () => ({ shape: [pick(source, notNumbers)] })))],
  "shapes of too much": [
    6,
    (source) => weights(lied(source, () => ({ shape: Array.from({ length: 2 + source.integer(9) }, () => 2 ** 31) }))),
  ],
  "dtypes that do not fit": [
    8,
    (source) =>
      weights(lied(source, () => ({ dtype: pick(source, ["F64", "F16", "I64", "F8_E4M3", "U8", "", "__proto__"]) }))),
  ],
  "100,000 tensors": [2, (source) => weights(withHeader(thousands(source), undefined, new Uint8Array()))],
  "a deep header": [
    3,
    (source) => weights(withHeader("[".repeat(4 + source.integer(2_000_000)), undefined, new Uint8Array())),
  ],
  "a name twice": [
    4,
    (source) => {
      const name = names[source.integer(names.length)] ?? "";
      return weights(
        withHeader(
          headerText
            .trimEnd()
            .replace("{", `{"${name.replace("e", "\\u0065")}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},`),
        ),
      );
    },
  ],
  "a web page": [
    2,
    (source) => weights(new TextEncoder().encode(`<!doctype html>${"x".repeat(source.integer(9999))}`)),
  ],
  "config.json lies": [
    24,
    (source) =>
      config(
        pick(source, [
          { num_hidden_layers: 1e9 },
          { num_hidden_layers: 999 },
          { num_attention_heads: 3 },
          { num_attention_heads: 0 },
          { hidden_size: 2 ** 24 },
          { hidden_size: 2 ** 24, num_attention_heads: 2 ** 24, intermediate_size: 2 ** 24, num_hidden_layers: 1000 },
          { vocab_size: 2 ** 24 },
          { vocab_size: 1e12 },
          { vocab_size: 3 },
          { max_position_embeddings: -1 },
          { max_position_embeddings: 2 ** 24 },
          { type_vocab_size: 1e5 },
          { layer_norm_eps: -1 },
          { layer_norm_eps: "small" },
          { model_type: "modernbert", global_attn_every_n_layers: 0 },
          { model_type: "modernbert", layer_types: Array.from({ length: 1e5 }, () => "full_attention") },
          { model_type: "__proto__" },
          { model_type: 7 },
          { intermediate_size: 15 },
        ]),
      ),
  ],
  "tokenizer.json is wrong": [
    28,
    (source) =>
      pick<Changes>(source, [
        model({ vocab: { "[UNK]": 1e9 } }),
        model({ vocab: { ...Object.fromEntries(pieces.map((piece, id) => [piece, id])), more: 4e9 } }),
        model({ vocab: { "[UNK]": -1, a: "b" } }),
        model({ vocab: 7 }),
        model({ vocab: null }),
        model({ vocab: [["a", 1]] }),
        model({ vocab: {} }),
        model({ type: "Nonsense" }),
        model({ type: "BPE", merges: 7 }),
        model({ type: "BPE", merges: [["a"]] }),
        model({ type: "Unigram", vocab: { a: 1 } }),
        model({ type: "Unigram", vocab: [7], unk_id: 99 }),
        tokens({ model: null }),
        tokens({ model: 7 }),
        tokens({ normalizer: { type: "Nonsense" } }),
        tokens({ normalizer: { type: "Sequence", normalizers: 7 } }),
        tokens({ pre_tokenizer: { type: "Split", pattern: { Regex: "(" } } }),
        tokens({ post_processor: { type: "TemplateProcessing", single: 7 } }),
        tokens({
          post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "[NONE]", type_id: 0 } }] },
        }),
        tokens({ added_tokens: 7 }),
        tokens({ added_tokens: [{ id: 1e8, content: "<x>" }] }),
        { "tokenizer.json": [] },
        { "tokenizer.json": 7 },
        { "tokenizer.json": null },
        { "tokenizer.json": new TextEncoder().encode(JSON.stringify(tokenizer).slice(0, 200 + source.integer(2000))) },
      ]),
  ],
  "modules that are others": [
    12,
    (source) =>
      pick<Changes>(source, [
        { "modules.json": {} },
        { "modules.json": [7] },
        { "modules.json": [{ type: "x.Transformer" }, { type: "x.Dense", path: "2_Dense" }] },
        { "modules.json": [{ type: "x.StaticEmbedding", path: "../.." }] },
        { "modules.json": [{ type: "x.StaticEmbedding", path: "" }, { type: "x.Pooling" }] },
        { "1_Pooling/config.json": { pooling_mode: "lasttoken" } },
        { "1_Pooling/config.json": { pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true } },
        { "1_Pooling/config.json": [] },
        { "sentence_bert_config.json": { max_seq_length: -5 } },
        { "sentence_bert_config.json": { max_seq_length: 0.5 } },
        { "config_sentence_transformers.json": { prompts: 7 } },
        { "config_sentence_transformers.json": { prompts: { query: 7 } } },
      ]),
  ],
  "shards that are not there": [
    10,
    (source) => {
      const index = (weight_map: unknown): Changes => ({
        [WEIGHTS]: undefined,
        "model.safetensors.index.json": { weight_map },
      });
      return pick<Changes>(source, [
        index({ [names[0] ?? ""]: "../model.safetensors" }),
        index({ [names[0] ?? ""]: "model-1.safetensors" }),
        { ...index({ nothing: "model-1.safetensors" }), "model-1.safetensors": file },
        { ...index({ [names[0] ?? ""]: "model-1.safetensors" }), "model-1.safetensors": file },
        { ...index({ [names[0] ?? ""]: "model-1.safetensors" }), "model-1.safetensors": file.slice(0, 99) },
        index(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`t${i}`, `m${i}.safetensors`]))),
        index(7),
        index({}),
      ]);
    },
  ],
};

function* cases(): Generator<{ readonly kind: string; readonly index: number; readonly changes: Changes }> {
  for (const [kind, [count, make]] of Object.entries(kinds))
    for (let index = 0; index < count; index++) yield { kind, index, changes: make(random(index, kind)) };
}

async function refusalOf(files: readonly FileSource[]): Promise<unknown> {
  return openSources({ name: "hostile", files }).then(
    () => "opened",
    (error: unknown) => error,
  );
}

test.each(Object.keys(kinds))("refuses what is: %s", { timeout: 60_000 }, async (wanted) => {
  for (const { kind, index, changes } of cases()) {
    if (kind !== wanted) continue;
    const { files, counts } = counted(sourcesOf(tinyEncoder(changes)));
    let error: unknown;
    const made = await floatsMade(async () => void (error = await refusalOf(files)));
    expect(isUserError(error), `${kind} ${index}: ${String(error)} ${error instanceof Error ? error.stack : ""}`).toBe(
      true,
    );
    expect(made, `${kind} ${index}`).toBe(0);
    expect(counts.read).toBeLessThanOrEqual(files.reduce((sum, { size }) => sum + size, 0));
  }
});

const zipped = (files: Readonly<Record<string, Uint8Array>>, level: 0 | 9 = 9) =>
  zipSync({ ...honest.files, ...files }, { level });

/** The central directory's record of a path, as offset in the zip. */
function recordOf(zip: Uint8Array, path: string): number {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const name = new TextEncoder().encode(path);
  for (let at = zip.length - 46; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    if (name.every((byte, i) => zip[at + 46 + i] === byte)) return at;
  }
  throw new Error(`no ${path}`);
}

function patched(zip: Uint8Array<ArrayBuffer>, path: string, field: number, value: number) {
  new DataView(zip.buffer, zip.byteOffset).setUint32(recordOf(zip, path) + field, value, true);
  return zip;
}

const zeros = new Uint8Array(24 * 2 ** 20);
test.each<[string, () => Uint8Array<ArrayBuffer>]>([
  ["a bomb that says so", () => zipped({ [WEIGHTS]: zeros })],
  ["a bomb that says it is small", () => patched(zipped({ [WEIGHTS]: zeros }), WEIGHTS, 24, 5000)],
  ["a bomb under another name", () => zipped({ "tokenizer.json": zeros })],
  ["a size of 4 GB", () => patched(zipped({}), WEIGHTS, 24, 0xfffffff0)],
  ["a size that is too small", () => patched(zipped({}), WEIGHTS, 24, 100)],
  ["a zip in a zip", () => zipped({ "more.zip": zipped({}) })],
  ["encrypted", () => patched(zipped({}), WEIGHTS, 8, 0x00080001)],
  ["a checksum that is wrong", () => patched(zipped({}), "config.json", 16, 1)],
  ["cut short", () => zipped({}).slice(0, 3000)],
  ["not a zip", () => new Uint8Array(3000)],
])("refuses a zip: %s", async (_, make) => {
  const error: unknown = await openZip("x.zip", new Blob([make()])).then(
    (entries) => refusalOf(entries.map(streamSource)),
    (caught: unknown) => caught,
  );
  expect(isUserError(error), String(error)).toBe(true);
});

test.each([0, 9] as const)("an honest zip at level %i opens", async (level) => {
  const entries = await openZip("x.zip", new Blob([zipped({}, level)]));
  const opened = await openSources({ name: "zip", files: entries.map(streamSource) });
  expect(opened.card.shape).toMatchObject({ hidden: tinyConfig.hidden_size });
});

test("they are 200", () => {
  expect([...cases()].length + 10).toBe(200);
});
