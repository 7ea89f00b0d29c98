import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eventsOf } from "../../../src/synthesis/providers/sse.ts";

const bytes = new TextEncoder();

function stream(text: string, cuts: readonly number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const all = bytes.encode(text);
  const at = [0, ...cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b), all.length];
  return new ReadableStream({
    start(controller) {
      for (const [i, from] of at.slice(0, -1).entries()) controller.enqueue(all.slice(from, at[i + 1]));
      controller.close();
    },
  });
}

async function events(text: string, cuts: readonly number[] = []): Promise<string[]> {
  const found: string[] = [];
  for await (const event of eventsOf(stream(text, cuts))) found.push(event);
  return found;
}

test("the data of each event, and nothing of comments, names and numbers", async () => {
  expect(await events(': keep-alive\n\nevent: x\nid: 3\ndata: {"a":1}\n\ndata:[DONE]\n\n')).toEqual([
    '{"a":1}',
    "[DONE]",
  ]);
});

test("two lines of data are one event; an empty event is none; only one space is taken off", async () => {
  expect(await events("data:  one\ndata: two\n\n\n\ndata\n\n")).toEqual([" one\ntwo"]);
});

test("an event that the end cuts off counts", async () => {
  expect(await events("data: a\n\ndata: b")).toEqual(["a", "b"]);
  expect(await events("data: a\r")).toEqual(["a"]);
});

test("CR, LF and CRLF end a line, wherever the stream is cut, and so does no cut within a character", async () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => `x${text.replaceAll(/[\r\n\uFEFF]/gu, "")}`);
  const data = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 });
  const ends = fc.constantFrom("\n", "\r\n", "\r");
  const cuts = fc.array(fc.nat(), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(data, ends, cuts, async (data, end, cuts) => {
      const text = data.map((lines) => lines.map((line) => `data: ${line}${end}`).join("") + end).join("");
      expect(await events(text, cuts)).toEqual(data.map((lines) => lines.join("\n")));
    }),
    { numRuns: 300 },
  );
});
