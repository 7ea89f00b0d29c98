/** Folders of StaticEmbedding: what sentence-transformers 3.2 to 6.0 writes, and what is refused. */
import { expect, test } from "vitest";
import { MOST_TOKENS } from "../../src/encoder/folder/static.ts";
import { UnreadableEncoder } from "../../src/encoder/folder/files.ts";
import { openFolder, writeFolder } from "../../src/encoder/folder.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { UnreadableSafetensors } from "../../src/encoder/safetensorsHeader.ts";
import { pieces } from "../support/encoder.ts";
import {
  staticEncoder,
  staticHidden,
  staticModules,
  staticTensor,
  staticTokenizer,
  staticVectors,
} from "../support/staticEncoder.ts";

const V = pieces.length;
const FILE = "0_StaticEmbedding/model.safetensors";
const TOKENIZER = "0_StaticEmbedding/tokenizer.json";
const values = (file: Float32Array) => file.subarray(0, V * staticHidden);

test.each(["0_StaticEmbedding", "", "."])("a folder with its files in %j: no config.json, no pooling", (place) => {
  const { card, weights } = openFolder(staticEncoder(place));
  expect(card).toEqual({
    name: "tiny static",
    shape: { family: "static", hidden: staticHidden, vocabulary: V },
    pooling: "mean",
    queryPrefix: "",
    documentPrefix: "",
    maxTokens: MOST_TOKENS,
    parameters: V * staticHidden,
  });
  expect(values(weights)).toEqual(staticVectors);
});

test("without Normalize, with version 6's class path, with prompts and a config.json that is not BERT's", () => {
  const type = "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding";
  const { card } = openFolder(
    staticEncoder("", {
      "modules.json": [{ idx: 0, name: "0", path: "", type }],
      "config.json": { model_type: "model2vec", hidden_dim: 6 },
      "config_sentence_transformers.json": { prompts: { query: "q: ", document: "d: " } },
    }),
  );
  expect(card).toMatchObject({ pooling: "mean", queryPrefix: "q: ", documentPrefix: "d: " });
});

test("no special tokens, and a text without a token is the unknown one", () => {
  const { tokenizer } = openFolder(staticEncoder());
  expect(tokenizer.encode("the cat sat", 100)).toEqual([5, 6, 8]);
  expect(tokenizer.encode("the cat sat", 2)).toEqual([5, 6]);
  for (const text of ["", "   ", "\n\t", "\u200b"]) expect(tokenizer.encode(text, 100)).toEqual([1]);
  expect(pieces[1]).toBe("[UNK]");
});

test.each([
  [20, 20],
  [1_000_000, MOST_TOKENS],
])("tokenizer.json that cuts at %i means at most %i tokens", (max_length, most) => {
  const truncation = { max_length, strategy: "LongestFirst", stride: 0, direction: "Right" };
  const folder = staticEncoder("0_StaticEmbedding", { [TOKENIZER]: staticTokenizer({ truncation }) });
  expect(openFolder(folder).card.maxTokens).toBe(most);
});

/** Of the bits of a float32, the upper half: bfloat16, rounded towards zero. */
function bfloat16File(): Uint8Array {
  const bits = new Uint32Array(staticVectors.slice().buffer);
  const header = JSON.stringify({
    "embedding.weight": { dtype: "BF16", shape: [V, staticHidden], data_offsets: [0, 2 * bits.length] },
  });
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const file = new Uint8Array(8 + text.length + 2 * bits.length);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  bits.forEach((each, i) => view.setUint16(8 + text.length + 2 * i, each >>> 16, true));
  return file;
}

test.each([
  ["float16", writeSafetensors(staticTensor(), "F16"), 2 ** -10],
  ["bfloat16", bfloat16File(), 2 ** -7],
  ["model2vec's name for it", writeSafetensors(staticTensor("embeddings"), "F32"), 0],
])("reads the table as %s", (_, file, precision) => {
  const weights = values(openFolder(staticEncoder("0_StaticEmbedding", { [FILE]: file })).weights);
  expect(weights).toHaveLength(staticVectors.length);
  weights.forEach((x, i) => {
    const truth = staticVectors[i] ?? NaN;
    expect(Math.abs(x - truth)).toBeLessThanOrEqual(precision * Math.abs(truth));
  });
});

test.each(["0_StaticEmbedding", ""])("written from files in %j and read back: the same", (place) => {
  const truncation = { max_length: 30, strategy: "LongestFirst", stride: 0, direction: "Right" };
  const at = place === "" ? "" : `${place}/`;
  const opened = openFolder(staticEncoder(place, { [`${at}tokenizer.json`]: staticTokenizer({ truncation }) }));
  const weights = opened.weights.map((x) => x * 1.5);
  const written = writeFolder(opened, {
    weights,
    pooling: "mean",
    queryPrefix: "q: ",
    documentPrefix: "",
    readme: "# hi",
  });
  const again = openFolder(written);
  expect(again.weights).toEqual(weights);
  expect(again.card).toEqual({ ...opened.card, queryPrefix: "q: " });
  expect(again.tokenizer.encode("the cat", 9)).toEqual([5, 6]);
  expect(Object.keys(written.files).toSorted()).toEqual([
    FILE,
    TOKENIZER,
    "README.md",
    "config_sentence_transformers.json",
    "modules.json",
  ]);
  const json = (path: string): unknown => JSON.parse(new TextDecoder().decode(written.files[path]));
  expect(json("modules.json")).toEqual(staticModules("0_StaticEmbedding", "Normalize"));
  expect(json("config_sentence_transformers.json")).toMatchObject({ __version__: { sentence_transformers: "3.2.0" } });
});

const withModules = (...more: readonly string[]) => ({ "modules.json": staticModules("0_StaticEmbedding", ...more) });
const tensors = (name: string, shape: readonly number[]) =>
  writeSafetensors([{ name, shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) }], "F32");

test.each([
  ["its weights are missing", { [FILE]: undefined }, UnreadableEncoder, `no ${FILE}`],
  ["its tokenizer is missing", { [TOKENIZER]: undefined }, UnreadableEncoder, `no ${TOKENIZER}`],
  ["a Pooling module follows", withModules("Pooling"), UnreadableEncoder, "mean of its tokens"],
  ["a Dense module follows", withModules("Dense", "Normalize"), UnreadableEncoder, "models.Dense"],
  [
    "something comes before it",
    {
      "modules.json": staticModules("0_StaticEmbedding", "StaticEmbedding").with(0, {
        idx: 0,
        name: "0",
        path: "",
        type: "x.Router",
      }),
    },
    UnreadableEncoder,
    "x.Router",
  ],
  ["the tensor has another name", { [FILE]: tensors("weight", [V, 6]) }, UnreadableEncoder, "it holds weight"],
  ["the tensor is no table", { [FILE]: tensors("embedding.weight", [V * 6]) }, UnreadableEncoder, `[${V * 6}]`],
  ["the table is empty", { [FILE]: tensors("embedding.weight", [V, 0]) }, UnreadableEncoder, `[${V}, 0]`],
  [
    "there are fewer vectors than tokens",
    { [FILE]: tensors("embedding.weight", [V - 1, 6]) },
    UnreadableEncoder,
    "do not belong together",
  ],
  ["weights are HTML", { [FILE]: new TextEncoder().encode("<!doctype html>") }, UnreadableSafetensors, "header"],
] as const)("refuses a static folder where %s", (_, changes, kind, words) => {
  const open = () => openFolder(staticEncoder("0_StaticEmbedding", changes));
  expect(open).toThrow(kind);
  expect(open).toThrow(words);
});

test("a model2vec folder without modules.json is told what is missing", () => {
  const config = { model_type: "model2vec", architectures: ["StaticModel"], hidden_dim: 6, normalize: true };
  const open = () => openFolder(staticEncoder("", { "modules.json": undefined, "config.json": config }));
  expect(open).toThrow(UnreadableEncoder);
  expect(open).toThrow(/"model2vec" is not supported.*modules.json names StaticEmbedding/u);
});
