/** Fetching with the bytes of the answer counted as they are read: of most other hosts the browser tells a page no size. */
import { requestChannel } from "./requestTimes.ts";

/** One message on {@link requestChannel}, when a body was read or given up. */
export interface ReceivedMessage {
  readonly kind: "received";
  readonly url: string;
  /** When it was asked for, in milliseconds since 1970. */
  readonly at: number;
  readonly received: number;
}

const addressOf = (input: RequestInfo | URL): string =>
  new URL(input instanceof Request ? input.url : input, globalThis.location?.href).href;

/** As `fetch`, but the answer does not know the address that it came from. */
export function countedFetch(fetch: typeof globalThis.fetch, hear = onChannel()): typeof globalThis.fetch {
  return async (input, init) => {
    const at = Date.now();
    const response = await fetch(input, init);
    if (!response.body) return response;
    let received = 0;
    const told = (): void => hear({ kind: "received", url: addressOf(input), at, received });
    const reader = response.body.getReader();
    const counted = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(out) {
          const { done, value } = await reader.read();
          if (value) received += value.byteLength;
          if (value) out.enqueue(value);
          if (!done) return;
          told();
          out.close();
        },
        // A body that is given up was received as far as it was read.
        async cancel(reason) {
          told();
          await reader.cancel(reason);
        },
      },
      // Nothing is read that was not asked for.
      { highWaterMark: 0 },
    );
    return new Response(counted, response);
  };
}

function onChannel(): (message: ReceivedMessage) => void {
  if (typeof BroadcastChannel === "undefined") return () => undefined;
  const channel = new BroadcastChannel(requestChannel);
  return (message) => channel.postMessage(message);
}
