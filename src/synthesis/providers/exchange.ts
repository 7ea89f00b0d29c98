/** One request to a chat endpoint and its answer, streamed or whole. */
import * as v from "valibot";
import type { EngineAnswer } from "../engines/contract.ts";
import { eventsOf } from "./sse.ts";

const piece = v.object({ content: v.nullish(v.string()) });
const reply = v.object({
  choices: v.optional(
    v.array(v.object({ delta: v.nullish(piece), message: v.nullish(piece), finish_reason: v.nullish(v.string()) })),
    [],
  ),
  usage: v.nullish(v.object({ prompt_tokens: v.nullish(v.number()), completion_tokens: v.nullish(v.number()) })),
  error: v.optional(v.unknown()),
});
type Reply = v.InferOutput<typeof reply>;

/** The answer is not what a chat endpoint sends. `kind`: what came instead. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly kind: "page" | "cut" | "error" | "nonsense" | "filtered";

  constructor(kind: Unreadable["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The words of an error body, which every server forms differently. At most 300 characters. */
export function wordsOf(body: unknown): string {
  if (typeof body === "string") return body.slice(0, 300);
  if (typeof body !== "object" || body === null) return "";
  for (const key of ["error", "message", "detail", "error_description"]) {
    const words = key in body ? wordsOf(Reflect.get(body, key)) : "";
    if (words !== "") return words;
  }
  return JSON.stringify(body).slice(0, 300);
}

function parsed(text: string): Reply {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Unreadable("nonsense", `not JSON: ${text.slice(0, 80)}`);
  }
  const result = v.safeParse(reply, json);
  if (!result.success) throw new Unreadable("nonsense", `no chat completion: ${text.slice(0, 80)}`);
  if (result.output.error !== undefined && result.output.error !== null) {
    throw new Unreadable("error", wordsOf(result.output.error));
  }
  return result.output;
}

interface Heard {
  text: string;
  tokens: number;
  reason: string | undefined;
  usage: Reply["usage"];
  over: boolean;
}

const unheard = (): Heard => ({ text: "", tokens: 0, reason: undefined, usage: undefined, over: false });

function hear(heard: Heard, { choices, usage }: Reply): void {
  const [choice] = choices;
  heard.text += choice?.delta?.content ?? choice?.message?.content ?? "";
  heard.reason = choice?.finish_reason ?? heard.reason;
  heard.usage = usage ?? heard.usage;
}

function answerOf({ text, reason, usage, over }: Heard): EngineAnswer {
  if (reason === undefined && !over) throw new Unreadable("cut", "the stream ended in mid-answer");
  if (reason === "content_filter") throw new Unreadable("filtered", "");
  return {
    text,
    finish: reason === "length" ? "length" : "stop",
    promptTokens: usage?.prompt_tokens ?? undefined,
    completionTokens: usage?.completion_tokens ?? undefined,
  };
}

export interface Reading {
  /** Characters after which an endless answer is cut. */
  readonly most: number;
  /** Called with each piece; `tokens`: pieces with text so far. */
  readonly onPiece: (tokens: number) => void;
}

async function readStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { most, onPiece }: Reading,
): Promise<EngineAnswer> {
  const heard = unheard();
  for await (const data of eventsOf(body)) {
    if (data.trim() === "[DONE]") {
      heard.over = true;
      break;
    }
    const before = heard.text.length;
    hear(heard, parsed(data));
    if (heard.text.length > before) heard.tokens++;
    onPiece(heard.tokens);
    if (heard.text.length > most) return { ...answerOf({ ...heard, over: true }), finish: "length" };
  }
  return answerOf(heard);
}

/** The answer in a response that was accepted. Errors: {@link Unreadable}, and what a broken connection throws. */
export async function readAnswer(response: Response, reading: Reading): Promise<EngineAnswer> {
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("text/html")) throw new Unreadable("page", "");
  if (type.includes("text/event-stream") && response.body) return readStream(response.body, reading);
  const heard = unheard();
  hear(heard, parsed(await response.text()));
  reading.onPiece(1);
  return answerOf({ ...heard, over: true });
}
