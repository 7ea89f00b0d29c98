/**
 * Folders as sentence-transformers reads them, by what its versions 2 to 6 do with each file: classes are imported by the type in
 * modules.json, and versions before 6 call them with the keys of their config.json as they are, so one key too many fails there.
 */
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { openFolder, writeFolder } from "../../src/encoder/folder.ts";
import { readSafetensors } from "../../src/encoder/safetensors.ts";
import { hubCases, isStaticCase } from "../support/hubCases.ts";
import { hubFolder } from "../support/hubFolders.ts";

/** What 2.2 knows; StaticEmbedding came with 3.2. */
const types = ["Transformer", "Pooling", "Normalize", "StaticEmbedding"].map(
  (kind) => `sentence_transformers.models.${kind}`,
);
const modulesJson = v.array(
  v.strictObject({ idx: v.number(), name: v.string(), path: v.string(), type: v.picklist(types) }),
);
/** The arguments of Pooling in 2.2; its first mode that is true would be taken with the others. */
const poolingJson = v.pipe(
  v.strictObject({
    word_embedding_dimension: v.number(),
    pooling_mode_cls_token: v.boolean(),
    pooling_mode_max_tokens: v.literal(false),
    pooling_mode_mean_tokens: v.boolean(),
    pooling_mode_mean_sqrt_len_tokens: v.literal(false),
  }),
  v.check((pooling) => pooling.pooling_mode_cls_token !== pooling.pooling_mode_mean_tokens, "one mode"),
);
/** The arguments of Transformer in 2.2 that a file may give. */
const lengthJson = v.strictObject({ max_seq_length: v.number(), do_lower_case: v.boolean() });
const sentenceJson = v.strictObject({
  // Compared with the reader's own: a newer one would warn.
  __version__: v.strictObject({ sentence_transformers: v.picklist(["2.2.0", "3.2.0"]) }),
  prompts: v.record(v.string(), v.string()),
  default_prompt_name: v.null(),
  similarity_fn_name: v.literal("cosine"),
});

describe.each(hubCases)("$name", (given) => {
  const opened = openFolder(hubFolder(given));
  const { queryPrefix, documentPrefix, pooling } = opened.card;
  const { files } = writeFolder(opened, {
    weights: opened.weights,
    pooling,
    queryPrefix,
    documentPrefix,
    precision: "f16",
  });
  const json = (path: string): unknown => JSON.parse(new TextDecoder().decode(files[path]));
  const modules = v.parse(modulesJson, json("modules.json"));

  test("its modules are numbered from 0, and what each of them loads is where it says", () => {
    const kinds = isStaticCase(given) ? ["StaticEmbedding", "Normalize"] : ["Transformer", "Pooling", "Normalize"];
    expect(modules.map(({ idx, name, type }) => [idx, name, type.split(".").at(-1)])).toEqual(
      kinds.map((kind, i) => [i, String(i), kind]),
    );
    const wanted = isStaticCase(given)
      ? ["0_StaticEmbedding/model.safetensors", "0_StaticEmbedding/tokenizer.json"]
      : ["config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json", "sentence_bert_config.json"];
    expect(Object.keys(files)).toEqual(expect.arrayContaining([...wanted, "config_sentence_transformers.json"]));
    expect(modules[0]?.path).toBe(isStaticCase(given) ? "0_StaticEmbedding" : "");
  });

  test("no file has a key that an old version does not take", () => {
    const { prompts } = v.parse(sentenceJson, json("config_sentence_transformers.json"));
    expect(prompts).toEqual({ query: queryPrefix, document: documentPrefix });
    if (isStaticCase(given)) return;
    expect(v.parse(poolingJson, json("1_Pooling/config.json"))).toMatchObject({
      word_embedding_dimension: 32,
      pooling_mode_cls_token: given.pooling === "cls",
    });
    expect(v.parse(lengthJson, json("sentence_bert_config.json"))).toEqual({
      max_seq_length: 100,
      do_lower_case: false,
    });
  });

  test("weights have the names of the base model, and say that they are PyTorch's", () => {
    const path = isStaticCase(given) ? "0_StaticEmbedding/model.safetensors" : "model.safetensors";
    const file = files[path] ?? new Uint8Array();
    expect([...readSafetensors(file).keys()]).toEqual(opened.table.tensors.map(({ name }) => name));
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header: unknown = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    // Without it transformers refuses the file.
    expect(header).toMatchObject({ __metadata__: { format: "pt" } });
  });
});
