/**
 * Large files to where the hub keeps them, by the Git LFS batch API: basic is one PUT; multipart, the hub's own, a PUT for each
 * signed address, then the list of ETags. What is there by its SHA-256 is not sent again.
 */
import { messageOf } from "../base/errors.ts";
import { refuseOffline } from "../base/offline.ts";
import { BrokenOff, NotTaken, sendRefusal } from "./errors.ts";
import { field, listField, textField } from "./fields.ts";
import type { Put, PutAnswer } from "./put.ts";
import { gitOf, type Target } from "./repository.ts";
import { beforeTry } from "./request.ts";
import { ask, jsonBody, type Line } from "./send.ts";

export interface UploadFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly blob: Blob;
}

/** How to a repository. */
export interface Way {
  readonly line: Line;
  readonly put: Put;
  readonly target: Target;
}

export const branch = "main";
const gitLfs = "application/vnd.git-lfs+json";

export interface LargeFile extends UploadFile {
  readonly oid: string;
}

/** What the hub wants done with a large file. */
interface Wish {
  /** Undefined where the hub has it. */
  readonly upload: { readonly href: string; readonly header: unknown } | undefined;
  readonly verify: string | undefined;
}

async function wishFor({ line, target }: Way, { path, blob, oid }: LargeFile): Promise<Wish> {
  const asked = {
    operation: "upload",
    transfers: ["basic", "multipart"],
    hash_algo: "sha_256",
    ref: { name: branch },
    objects: [{ oid, size: blob.size }],
  };
  const said = await ask(line, {
    path: `${gitOf(target)}/info/lfs/objects/batch`,
    what: `the question how to send ${path}`,
    body: jsonBody(asked, gitLfs),
    accept: gitLfs,
  });
  const object = listField(said, "objects").find((each) => textField(each, "oid") === oid);
  const refused = textField(field(object, "error"), "message");
  if (object === undefined || refused !== undefined)
    throw new NotTaken(
      `The hub does not take ${path}${refused === undefined ? "" : `: “${refused.slice(0, 300)}”`}. Nothing was committed.`,
    );
  const actions = field(object, "actions");
  const [upload, verify] = [field(actions, "upload"), textField(field(actions, "verify"), "href")];
  const href = textField(upload, "href");
  return { upload: href === undefined ? undefined : { href, header: field(upload, "header") }, verify };
}

/** One PUT to where the hub keeps large files. Errors: BrokenOff; those of sendRefusal. */
async function putOnce({ line, put }: Way, url: string, { path, blob }: UploadFile, progress: (sent: number) => void) {
  let answer: PutAnswer;
  refuseOffline(new URL(url).host);
  try {
    answer = await put(url, blob, { signal: line.signal, silence: line.hub.silence, progress });
  } catch (cause) {
    line.signal?.throwIfAborted();
    throw new BrokenOff(
      `Sending ${path} to ${new URL(url).host} broke off (${messageOf(cause)}). A firewall or an extension may block that address. Send again: what is there already is not sent again.`,
      { cause },
    );
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  if (status === 413)
    throw sendRefusal({ status, headers: new Headers() }, { what: `the bytes of ${path}`, said: undefined });
  // A signed address that has expired is refused as 400 or 403: the next try has a new one.
  throw new BrokenOff(
    `Sending ${path} broke off: ${new URL(url).host}, where the hub keeps large files, answered ${status}. Send again: what is there already is not sent again.`,
  );
}

interface Part {
  readonly number: number;
  readonly url: string;
}

/** Signed addresses by number, and the bytes of each part but the last; undefined for a transfer in one piece. */
function partsIn(
  header: unknown,
  { path, blob }: UploadFile,
): { readonly size: number; readonly parts: readonly Part[] } | undefined {
  const size = Number(field(header, "chunk_size"));
  if (!(size > 0)) return undefined;
  const parts = Object.entries(typeof header === "object" && header !== null ? header : {})
    .filter((entry): entry is [string, string] => /^\d+$/u.test(entry[0]) && typeof entry[1] === "string")
    .map(([number, url]) => ({ number: Number(number), url }))
    .toSorted((a, b) => a.number - b.number);
  if (parts.length === Math.ceil(blob.size / size)) return { size, parts };
  throw new NotTaken(
    `The hub gave ${parts.length} addresses for ${path}, whose ${blob.size} bytes make ${Math.ceil(blob.size / size)} parts of ${size}. Try again later.`,
  );
}

/** Each part by itself, tried again by itself. */
async function putParts(
  way: Way,
  file: LargeFile,
  { size, parts }: { readonly size: number; readonly parts: readonly Part[] },
  progress: (sent: number) => void,
): Promise<readonly { readonly partNumber: number; readonly etag: string }[]> {
  const tags: { partNumber: number; etag: string }[] = [];
  for (const [i, { number, url }] of parts.entries()) {
    const blob = file.blob.slice(i * size, (i + 1) * size);
    const etag = await again(way.line, async () => {
      const answer = await putOnce(way, url, { path: file.path, blob }, (sent) => progress(i * size + sent));
      const tag = answer.header("etag");
      if (tag === null || tag === "")
        throw new NotTaken(
          `The storage does not say what it got of ${file.path} (no ETag). An extension may hide it; try another browser.`,
        );
      return tag;
    });
    tags.push({ partNumber: number, etag });
  }
  return tags;
}

async function again<T>(line: Line, act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    line.signal?.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      line.signal?.throwIfAborted();
      await beforeTry(line.hub, tries, error);
    }
  }
}

/** Whether it had to be sent. Signed addresses expire: each try asks for new ones. */
export async function sendLarge(way: Way, file: LargeFile, progress: (sent: number) => void): Promise<boolean> {
  const { line } = way;
  return again(line, async () => {
    const { upload, verify } = await wishFor(way, file);
    if (!upload) return false;
    const parted = partsIn(upload.header, file);
    if (parted) {
      const body = jsonBody({ oid: file.oid, parts: await putParts(way, file, parted, progress) }, gitLfs);
      await ask(line, { path: upload.href, what: `the end of ${file.path}`, body, accept: gitLfs, signed: true });
    } else await putOnce(way, upload.href, file, progress);
    if (verify !== undefined) {
      const body = jsonBody({ oid: file.oid, size: file.blob.size }, gitLfs);
      await ask(line, { path: verify, what: `the question whether ${file.path} arrived`, body, accept: gitLfs });
    }
    return true;
  });
}
