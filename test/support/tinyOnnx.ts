/**
 * A causal language model of a few hundred bytes, as a repository of the Hub would hold it: its scores depend on the last
 * token alone (one `Gather` from a table), so what it writes is a Markov chain that a test can work out by hand.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { model } from "../../src/export/onnx/proto.ts";
import { chunks } from "../../src/export/onnx/protobuf.ts";

/** `table`: [V, V], the scores of each token after each token. */
function onnx(table: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const shape = [table.length, table.length];
  const values = new Uint8Array(Float32Array.from(table.flat()).buffer);
  const dims = ["batch", "tokens"] as const;
  const content = model({
    name: "markov",
    nodes: [{ operator: "Gather", inputs: ["table", "input_ids"], outputs: ["logits"], attributes: {} }],
    initializers: [{ name: "table", type: "float32", shape, data: { length: values.length, make: () => [values] } }],
    inputs: [{ name: "input_ids", type: "int64", shape: dims }],
    outputs: [{ name: "logits", type: "float32", shape: [...dims, table.length] }],
  });
  return new Uint8Array(Buffer.concat([...chunks(content)]));
}

const END = "<end>";
const vocab = [END, ...'abcdefghijklmnopqrstuvwxyz :.{}"'.split("")];

export interface Chain {
  /** After each letter the shares of those that may come next; "" is the end. What is not named never comes. */
  readonly [letter: string]: Readonly<Record<string, number>>;
}

const tableOf = (chain: Chain) =>
  vocab.map((from) => vocab.map((to) => Math.max(-100, Math.log(chain[from]?.[to === END ? "" : to] ?? 0))));

/** The chat template writes "role:content." for each message and then "a", of which the chain begins. */
const template =
  "{% for m in messages %}{{ m.role }}:{{ m.content }}.{% endfor %}{% if add_generation_prompt %}a{% endif %}";

const files = (chain: Chain, context: number): Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> => ({
  "config.json": JSON.stringify({
    model_type: "llama",
    vocab_size: vocab.length,
    hidden_size: 8,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    num_hidden_layers: 1,
    max_position_embeddings: context,
    eos_token_id: 0,
  }),
  "generation_config.json": JSON.stringify({ eos_token_id: 0, repetition_penalty: 1.3, top_k: 1 }),
  "tokenizer_config.json": JSON.stringify({
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: END,
    unk_token: END,
    chat_template: template,
    clean_up_tokenization_spaces: false,
  }),
  "tokenizer.json": JSON.stringify({
    version: "1.0",
    added_tokens: [
      { id: 0, content: END, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
    ],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
      merges: [],
      unk_token: END,
    },
  }),
  "onnx/model_q4.onnx": onnx(tableOf(chain)),
});

/** A hub on this machine with one model, "tiny/markov". `asked`: the paths that were asked for. */
export async function tinyHub(chain: Chain, context = 64) {
  const repository = files(chain, context);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/\?.*$/u, "");
    asked.push(path);
    const body = repository[path.replace("/tiny/markov/resolve/main/", "")];
    response.writeHead(body === undefined ? 404 : 200, {
      "content-length": body === undefined ? 0 : Buffer.byteLength(body),
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `http://127.0.0.1:${port}/`,
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
