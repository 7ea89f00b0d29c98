/** Asking the hub: addresses, ranges, silence, trying again. */
import { messageOf } from "../base/errors.ts";
import type { FileSource } from "../base/fileSource.ts";
import { refuseOffline } from "../base/offline.ts";
import { BrokenOff, DamagedDownload, HubBusy, HubUnreachable, NotOnHub, refusal } from "./errors.ts";

export interface Hub {
  /** "https://huggingface.co", without a slash at the end. */
  readonly base: string;
  /** After so many milliseconds of silence a connection counts as broken. */
  readonly silence: number;
  /** Milliseconds before the second try, the third, …; then the error stands. */
  readonly waits: readonly number[];
  /** What asks; the page's own unless told. */
  readonly fetch?: typeof globalThis.fetch;
  /** Ends what is asked, without another try. */
  readonly signal?: AbortSignal;
}

export const huggingFace: Hub = { base: "https://huggingface.co", silence: 30_000, waits: [1000, 4000] };

/** A repository at a commit, or at the branch or tag that was asked for. */
export interface Repository {
  /** "intfloat/e5-base-v2" */
  readonly id: string;
  readonly revision: string;
}

const ID = /^[\w-][\w.-]{0,95}(\/[\w-][\w.-]{0,95})?$/u;

/** Errors: an id that is none, before it becomes part of an address. */
export function checkId(id: string): void {
  if (ID.test(id) && !id.includes("..")) return;
  throw new NotOnHub(
    `“${id.slice(0, 100)}” is not the name of an encoder on the hub. Give it as owner/name, such as intfloat/e5-base-v2.`,
  );
}

export const listingUrl = ({ base }: Hub, { id, revision }: Repository): string =>
  `${base}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;

export const fileUrl = ({ base }: Hub, { id, revision }: Repository, path: string): string =>
  `${base}/${id}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;

const isHtml = (response: Response): boolean => response.headers.get("content-type")?.includes("text/html") === true;

/** What can be different a moment later. */
const passes = (error: unknown): boolean =>
  error instanceof HubUnreachable || error instanceof HubBusy || error instanceof BrokenOff;

/** Waits before the next try, or throws the error where it will not pass, or was the last. */
export async function beforeTry({ waits, signal }: Hub, tries: number, error: unknown): Promise<void> {
  const wait = waits[tries];
  if (wait === undefined || !passes(error) || signal?.aborted === true) throw error;
  await new Promise((resolve) => setTimeout(resolve, wait));
}

type Asked = Pick<RequestInit, "headers" | "signal">;

async function fetched(hub: Hub, url: string, { headers, signal }: Asked): Promise<Response> {
  const signals = [signal, hub.signal].filter((each) => each !== null && each !== undefined);
  refuseOffline(new URL(url).host);
  try {
    // The hub refuses some pages by their address, so it is told none; redirects lead to where it keeps large files.
    return await (hub.fetch ?? globalThis.fetch)(url, {
      headers: headers ?? {},
      signal: AbortSignal.any(signals),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
  } catch (cause) {
    const { host } = new URL(url);
    throw new HubUnreachable(
      `${host} did not answer (${messageOf(cause)}). Check the connection; a firewall or an extension may also block it or the servers that it leads on to. What has arrived is kept.`,
      { cause },
    );
  }
}

/** A signal that fires after `ms` without `heard()`. */
function silenceOf(ms: number) {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  const heard = () => {
    stop();
    timer = setTimeout(() => controller.abort(new Error(`${Math.round(ms / 1000)} s without a byte`)), ms);
  };
  heard();
  return { signal: controller.signal, heard, stop };
}

/** An answer's JSON. `what` is named in errors. */
async function jsonOnce(hub: Hub, url: string, what: string): Promise<unknown> {
  const quiet = silenceOf(hub.silence);
  try {
    const response = await fetched(hub, url, { signal: quiet.signal });
    if (!response.ok) throw refusal(response, what);
    if (isHtml(response)) throw pageInstead(what);
    return await response.json().catch((cause: unknown) => {
      throw new DamagedDownload(`What the hub says of ${what} cannot be read (${messageOf(cause)}). Try again later.`);
    });
  } finally {
    quiet.stop();
  }
}

export async function jsonOf(hub: Hub, url: string, what: string): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    try {
      return await jsonOnce(hub, url, what);
    } catch (error) {
      await beforeTry(hub, tries, error);
    }
  }
}

const pageInstead = (what: string): DamagedDownload =>
  new DamagedDownload(
    `A web page came instead of ${what}. The network may want you to sign in first (a hotel's or a company's does that): open any page, then try again. Nothing of it was kept.`,
  );

const otherLength = (what: string, said: string, size: number): DamagedDownload =>
  new DamagedDownload(
    `${what} has ${size} bytes by the hub's list, but the answer says ${said}. Something on the way changes files. Try again, or from another network.`,
  );

/** How many bytes at the front of the body are not wanted; errors where the answer is to another question. */
function surplus(response: Response, { what, start, size }: Wanted): number {
  if (isHtml(response)) throw pageInstead(what);
  if (response.status === 206) {
    const range = response.headers.get("content-range");
    // Not every server lets a page of another origin see it.
    if (range !== null && !(range.startsWith(`bytes ${start}-`) && range.endsWith(`/${size}`)))
      throw otherLength(what, range, size);
    return 0;
  }
  const length = response.headers.get("content-length");
  if (length !== null && !response.headers.has("content-encoding") && Number(length) !== size)
    throw otherLength(what, `${length} bytes`, size);
  return start;
}

export interface Wanted {
  readonly url: string;
  /** In errors. */
  readonly what: string;
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  /** Of the whole file. */
  readonly size: number;
}

/**
 * The bytes from `start` to `end`, as they come. Errors: those of {@link refusal}; BrokenOff where they end too early or
 * nothing comes; DamagedDownload where there are more, or where it is a web page.
 */
export async function* bytesFrom(hub: Hub, wanted: Wanted): AsyncGenerator<Uint8Array, void, void> {
  const { url, what, start, end } = wanted;
  const quiet = silenceOf(hub.silence);
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    const response = await fetched(hub, url, { signal: quiet.signal, headers: { range: `bytes=${start}-${end - 1}` } });
    if (!response.ok) throw refusal(response, what);
    reader = response.body?.getReader();
    let [skip, left] = [surplus(response, wanted), end - start];
    for (;;) {
      const { done, value } = await chunkOf(reader, what);
      if (done) break;
      quiet.heard();
      const chunk = value.subarray(skip);
      skip -= value.length - chunk.length;
      // A server without ranges sends the whole file.
      const part = chunk.subarray(0, end < wanted.size ? left : chunk.length);
      if (part.length > left) throw otherLength(what, "more", wanted.size);
      left -= part.length;
      if (part.length > 0) yield part;
      if (left === 0 && end < wanted.size) break;
    }
    if (left > 0) throw brokenOff(what, `${left} bytes are missing`);
  } finally {
    quiet.stop();
    await reader?.cancel().catch(() => undefined);
  }
}

const brokenOff = (what: string, why: string, cause?: unknown): BrokenOff =>
  new BrokenOff(`The download of ${what} broke off (${why}). Try again: it goes on where it stopped.`, { cause });

async function chunkOf(reader: ReadableStreamDefaultReader<Uint8Array> | undefined, what: string) {
  try {
    return (await reader?.read()) ?? { done: true as const, value: undefined };
  } catch (cause) {
    throw brokenOff(what, messageOf(cause), cause);
  }
}

/** A file on the hub, read in ranges without keeping it. */
export function hubSource(
  hub: Hub,
  repository: Repository,
  { path, size }: { readonly path: string; readonly size: number },
): FileSource {
  const url = fileUrl(hub, repository, path);
  async function readOnce(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(end - start);
    let filled = 0;
    for await (const chunk of bytesFrom(hub, { url, what: path, start, end, size })) {
      out.set(chunk, filled);
      filled += chunk.length;
    }
    return out;
  }
  return {
    name: path,
    size,
    async read(start, end) {
      if (start === end) return new Uint8Array();
      for (let tries = 0; ; tries++) {
        try {
          return await readOnce(start, end);
        } catch (error) {
          await beforeTry(hub, tries, error);
        }
      }
    },
  };
}
