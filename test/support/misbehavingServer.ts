/** A chat endpoint on this machine, by script: each request takes the next behaviour, the last one for all that follow. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Behaviour {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** One piece a few milliseconds after the other. */
  readonly pieces: readonly (string | Uint8Array)[];
  /** "hangs": the connection stays open, in silence. */
  readonly end: "ends" | "breaks" | "hangs";
}

export const delta = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

export const ending = (finish: string | null) =>
  `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: finish }] })}\n\n` +
  `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 21, completion_tokens: 2 } })}\n\n`;

/** Raw bytes of some type. */
export const sends = (type: string, pieces: Behaviour["pieces"], end: Behaviour["end"] = "ends"): Behaviour => ({
  status: 200,
  headers: { "content-type": type },
  pieces,
  end,
});

export const streams = (pieces: Behaviour["pieces"], end?: Behaviour["end"]): Behaviour =>
  sends("text/event-stream; charset=utf-8", pieces, end);

/** A whole answer. */
export const answers = (words: readonly string[], finish = "stop"): Behaviour =>
  streams([words.map(delta).join("") + ending(finish), "data: [DONE]\n\n"]);

/** Words, and then the connection breaks, or stays open in silence. */
export const breaks = (...words: string[]): Behaviour => streams(words.map(delta), "breaks");
export const hangs = (...words: string[]): Behaviour => streams([words.map(delta).join("")], "hangs");

/** One JSON body, whatever was asked for. */
export const whole = (body: unknown): Behaviour => sends("application/json", [JSON.stringify(body)]);

export const refuses = (status: number, body: unknown = {}, headers: Behaviour["headers"] = {}): Behaviour => ({
  ...whole(body),
  status,
  headers: { "content-type": "application/json", ...headers },
});

export interface Seen {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 2));

async function behave({ status, headers, pieces, end }: Behaviour, response: ServerResponse): Promise<void> {
  response.writeHead(status, headers);
  response.flushHeaders();
  for (const piece of pieces) {
    response.write(piece);
    await soon();
  }
  if (end === "ends") response.end();
  if (end === "breaks") response.destroy();
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
}

/** On 127.0.0.1, at a free port. */
export async function misbehavingServer(script: readonly Behaviour[]) {
  const left = [...script];
  const seen: Seen[] = [];
  let gone = 0;
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) gone++;
    });
    void (async () => {
      const body = await bodyOf(request);
      seen.push({ path: request.url ?? "", authorization: request.headers.authorization, body });
      await behave((left.length > 1 ? left.shift() : left[0]) ?? hangs(), response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    host: `127.0.0.1:${port}`,
    seen,
    /** Answers that nobody waited for. */
    gone: () => gone,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
