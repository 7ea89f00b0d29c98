import { expect, it } from "vitest";
import { countedFetch, type ReceivedMessage } from "../../src/base/countedFetch.ts";

const address = "http://localhost:1/v1";
const pieces = [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5])];

function world(answer: () => Response) {
  const heard: ReceivedMessage[] = [];
  return {
    heard,
    fetch: countedFetch(
      async () => answer(),
      (message) => heard.push(message),
    ),
  };
}
const streamed = () => new Response(new Blob(pieces), { status: 201, headers: { "x-told": "yes" } });

it("gives the answer on as it is, and tells its bytes once it is read", async () => {
  const { heard, fetch } = world(streamed);
  const response = await fetch(address);
  expect([response.status, response.headers.get("x-told"), heard]).toEqual([201, "yes", []]);
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 2, 3, 4, 5]);
  expect(heard).toMatchObject([{ kind: "received", url: address, received: 5 }]);
});

it("leaves an answer without a body alone", async () => {
  const { heard, fetch } = world(() => new Response(null, { status: 204 }));
  expect((await fetch(address)).status).toBe(204);
  expect(heard).toEqual([]);
});

it("lets a reader that gives up end the answer at its source", async () => {
  let ended = false;
  const endless = new ReadableStream({
    pull: (out) => out.enqueue(new Uint8Array(10)),
    cancel: () => {
      ended = true;
    },
  });
  const { heard, fetch } = world(() => new Response(endless));
  const reader = (await fetch(address)).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  expect(ended).toBe(true);
  expect(heard).toMatchObject([{ received: 10 }]);
});
