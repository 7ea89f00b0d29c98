/**
 * An OpenAI-compatible endpoint on loopback that writes usable passages by rule, and counts what it was asked. It stands
 * for a language model where a test is about everything around it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { answerKeys, judgeKeys } from "../../src/synthesis/schemas.ts";

export interface ScriptedEndpoint {
  /** "http://127.0.0.1:PORT/v1" */
  readonly url: string;
  /** How often each (messages, seed) was asked and answered whole. */
  readonly asked: ReadonlyMap<string, number>;
  /** Milliseconds before an answer; 0 unless set. */
  delay: number;
  /** Whether pages of other origins may ask (CORS). */
  allows: boolean;
  close(): Promise<void>;
}

interface Body {
  readonly messages: readonly { readonly content: string }[];
  readonly seed?: number;
  readonly stream?: boolean;
}

const words =
  "quay lantern keeper weather harbour crew market ledger winter repair tariff visitor record anchor season council grain rope signal bridge".split(
    " ",
  );

/** At least `least` words that no other seed gives, about forty where that is less, in plain English. */
function passage(seed: number, least: number): string {
  let state = seed >>> 0 || 1;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const word = (): string => words[next() % words.length] ?? "";
  const clause = (): string => `the ${word()} of the ${word()} was kept by the ${word()} near the ${word()}`;
  let text = `In year ${1000 + (seed % 900)} ${clause()}, and ${clause()}. Later ${clause()}.`;
  while (text.split(" ").length < least)
    text += ` After ${next() % 900} days a ${word()} from this ${word()} brought some ${word()}, but no ${word()} was found there by ${word()} or ${word()}.`;
  return text;
}

/** Words of the answer that the request shows: a passage far shorter would be turned down. */
function wordsOfPositive(asked: string): number {
  const shown = /"positive_document": "((?:[^"\\]|\\.)*)"/u.exec(asked)?.[1] ?? "";
  return shown.split(" ").length;
}

function answer({ messages, seed = 0 }: Body): string {
  const asked = messages.map(({ content }) => content).join("\n");
  if (asked.includes(`"${judgeKeys.answers}"`))
    return JSON.stringify({ [judgeKeys.reason]: "It speaks of something else.", [judgeKeys.answers]: "no" });
  const least = 0.7 * wordsOfPositive(asked);
  return JSON.stringify({
    [answerKeys.positive]: "It names what was asked for.",
    [answerKeys.shares]: "The same kind of place.",
    [answerKeys.lacks]: "What was asked for.",
    [answerKeys.draft]: passage(seed + 1, 0),
    [answerKeys.critique]: "The draft names no such thing.",
    [answerKeys.title]: "A record",
    [answerKeys.passage]: passage(seed, least),
  });
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function reply(response: ServerResponse, body: Body, text: string): void {
  const usage = { prompt_tokens: 200, completion_tokens: 100, total_tokens: 300 };
  if (!body.stream) {
    const choices = [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }];
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ choices, usage }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (event: object) => response.write(`data: ${JSON.stringify(event)}\n\n`);
  for (let at = 0; at < text.length; at += 60)
    send({ choices: [{ index: 0, delta: { content: text.slice(at, at + 60) }, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  send({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

export async function scriptedEndpoint(): Promise<ScriptedEndpoint> {
  const asked = new Map<string, number>();
  const state = { delay: 0, allows: true };
  async function answered(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    await wait(state.delay);
    if (response.destroyed) return;
    const key = JSON.stringify([body.messages, body.seed]);
    response.on("finish", () => asked.set(key, (asked.get(key) ?? 0) + 1));
    reply(response, body, answer(body));
  }
  const server = createServer((request, response) => {
    if (state.allows) {
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("access-control-allow-headers", "*");
    }
    if (request.method === "OPTIONS") response.writeHead(204).end();
    else void answered(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    get delay() {
      return state.delay;
    },
    set delay(ms: number) {
      state.delay = ms;
    },
    get allows() {
      return state.allows;
    },
    set allows(every: boolean) {
      state.allows = every;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
