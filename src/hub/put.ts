/** Sending bytes with what has gone out so far, which `fetch` does not tell. */

export interface PutAnswer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly text: string;
}

export interface PutOptions {
  readonly signal: AbortSignal | undefined;
  /** After so many milliseconds without a byte going out the connection counts as broken. */
  readonly silence: number;
  readonly progress: (sent: number) => void;
}

/** Errors: an Error where no answer comes; what `signal` says where it fires. */
export type Put = (url: string, body: Blob, options: PutOptions) => Promise<PutAnswer>;

export const putByXhr: Put = (url, body, { signal, silence, progress }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => end(new Error(`${Math.round(silence / 1000)} s without a byte`)), silence);
    };
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      act();
    };
    const end = (error: unknown): void => {
      settle(() => reject(error instanceof Error ? error : new Error(String(error))));
      request.abort();
    };
    const stop = (): void => end(signal?.reason);
    request.upload.addEventListener("progress", ({ loaded }) => {
      heard();
      progress(loaded);
    });
    request.addEventListener("error", () => end(new Error("the connection broke")));
    request.addEventListener("load", () =>
      settle(() =>
        resolve({
          status: request.status,
          header: (name) => request.getResponseHeader(name),
          text: request.responseText,
        }),
      ),
    );
    signal?.addEventListener("abort", stop);
    heard();
    if (signal?.aborted) stop();
    else request.send(body);
  });
