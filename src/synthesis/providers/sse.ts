/** Server-sent events (WHATWG HTML, 9.2.6), as far as chat endpoints use them: the data of each event. */

/**
 * The data of each event in `body`, wherever the network cut it: in mid-character, between CR and LF, in mid-line. An
 * event that the end of the stream cuts off counts too: some servers leave out the last empty line.
 */
export async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void, void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let data: string[] = [];

  function* lines(text: string, last: boolean): Generator<string, void, void> {
    // A CR at the end may be half of a CRLF: it waits for what follows.
    const whole = last || !text.endsWith("\r") ? text : text.slice(0, -1);
    const parts = whole.split(/\r\n|\n|\r/u);
    rest = last ? "" : (parts.pop() ?? "") + text.slice(whole.length);
    yield* parts;
    if (last) yield "";
  }

  try {
    for (;;) {
      const { done, value } = await reader.read();
      for (const line of lines(rest + (value ?? ""), done)) {
        const [, field] = /^data: ?(.*)$/su.exec(line) ?? [];
        if (field !== undefined) data.push(field);
        else if (line === "" && data.length > 0) {
          yield data.join("\n");
          data = [];
        }
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
