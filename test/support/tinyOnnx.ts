/**
 * A causal language model of a few hundred bytes, as a repository of the Hub would hold it: its scores depend on the last
 * token alone (one `Gather` from a table), so what it writes is a Markov chain that a test can work out by hand.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const encoder = new TextEncoder();

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}

/** A field of a protocol buffer: a number as varint, all else with its length before it. */
function field(number: number, value: number | string | readonly number[]): number[] {
  if (typeof value === "number") return [...varint(number * 8), ...varint(value)];
  const bytes = typeof value === "string" ? [...encoder.encode(value)] : value;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

const FLOAT = 1;
const INT64 = 7;

function value(name: string, type: number, dims: readonly (string | number)[]): number[] {
  const shape = dims.flatMap((dim) => field(1, typeof dim === "number" ? field(1, dim) : field(2, dim)));
  return [...field(1, name), ...field(2, field(1, [...field(1, type), ...field(2, shape)]))];
}

/** `table`: [V, V], the scores of each token after each token. */
function onnx(table: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const size = table.length;
  const data = new Uint8Array(Float32Array.from(table.flat()).buffer);
  const tensor = [
    ...field(1, size),
    ...field(1, size),
    ...field(2, FLOAT),
    ...field(8, "table"),
    ...field(9, [...data]),
  ];
  const node = [...field(1, "table"), ...field(1, "input_ids"), ...field(2, "logits"), ...field(4, "Gather")];
  const graph = [
    ...field(1, node),
    ...field(2, "markov"),
    ...field(5, tensor),
    ...field(11, value("input_ids", INT64, ["batch", "tokens"])),
    ...field(12, value("logits", FLOAT, ["batch", "tokens", size])),
  ];
  return Uint8Array.from([...field(1, 8), ...field(7, graph), ...field(8, [...field(1, ""), ...field(2, 17)])]);
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
