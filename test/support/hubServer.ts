/**
 * A hub on this machine, at the real one's paths: the list of a repository's files at a revision, the files themselves in ranges, large
 * ones by a redirect to another host. It can be told to misbehave, one request after the other.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FileStore, Place } from "../../src/hub/kept.ts";

export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "html" }
  /** The connection breaks after so many bytes of the body. */
  | { readonly kind: "cut"; readonly after: number }
  /** The body ends early, as if it were whole. */
  | { readonly kind: "short"; readonly after: number }
  | { readonly kind: "silent" }
  /** Nothing more comes after so many bytes of the body, and the connection stays. */
  | { readonly kind: "stall"; readonly after: number }
  | { readonly kind: "noRanges" }
  /** One byte is another. */
  | { readonly kind: "flip" }
  | { readonly kind: "json"; readonly value: unknown };

export interface HubRepository {
  readonly id: string;
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly licence?: string;
}

export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
}

const hash = (kind: "sha1" | "sha256", ...parts: readonly (string | Uint8Array)[]) =>
  parts.reduce<ReturnType<typeof createHash>>((sum, part) => sum.update(part), createHash(kind)).digest("hex");

const isLarge = (path: string) => path.endsWith(".safetensors");

const siblings = (files: HubRepository["files"]) =>
  Object.entries(files).map(([rfilename, bytes]) =>
    isLarge(rfilename)
      ? {
          rfilename,
          size: bytes.length,
          blobId: hash("sha1", "a pointer"),
          lfs: { sha256: hash("sha256", bytes), size: bytes.length, pointerSize: 134 },
        }
      : { rfilename, size: bytes.length, blobId: hash("sha1", `blob ${bytes.length}\0`, bytes) },
  );

/** The range that was asked for, from `start` to before `end`; undefined: all of the file. */
function askedRange({ headers }: IncomingMessage, size: number): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/u.exec(headers.range ?? "") ?? [];
  if (first === undefined) return undefined;
  return { start: Number(first), end: last ? Math.min(size, Number(last) + 1) : size };
}

function sendFile(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse, fault?: Fault): void {
  const ranged = fault?.kind === "noRanges" ? undefined : askedRange(request, bytes.length);
  const { start, end } = ranged ?? { start: 0, end: bytes.length };
  const body = Buffer.from(bytes.subarray(start, end));
  if (fault?.kind === "flip") body[0] = (body[0] ?? 0) ^ 1;
  response.writeHead(ranged ? 206 : 200, {
    ...crossOrigin,
    etag: `"${hash("sha1", bytes)}"`,
    "x-repo-commit": "0".repeat(40),
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    ...(fault?.kind !== "short" && { "content-length": body.length }),
    ...(ranged && { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` }),
  });
  endWith(body, response, fault);
}

/** As the hub and where it keeps large files say it to pages of any host. */
const crossOrigin = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "range",
  "access-control-expose-headers": "X-Repo-Commit,X-Linked-ETag,X-Error-Code,ETag,Accept-Ranges,Content-Range",
};

/** All of the body, or what a fault leaves of it. */
function endWith(body: Buffer, response: ServerResponse, fault?: Fault): void {
  if (fault?.kind === "stall") response.write(body.subarray(0, fault.after));
  else if (fault?.kind === "short") response.end(body.subarray(0, fault.after));
  else if (fault?.kind === "cut")
    response.write(body.subarray(0, fault.after), () => setTimeout(() => response.destroy(), 5));
  else response.end(body);
}

const json = (response: ServerResponse, value: unknown): void =>
  void response.writeHead(200, { ...crossOrigin, "content-type": "application/json" }).end(JSON.stringify(value));

/** Whether the fault was all there is to answer. */
function misbehaves(fault: Fault, response: ServerResponse): boolean {
  switch (fault.kind) {
    case "silent":
      return true;
    case "status":
      response.writeHead(fault.status, { ...crossOrigin, ...fault.headers }).end("{}");
      return true;
    case "html":
      response
        .writeHead(200, { ...crossOrigin, "content-type": "text/html; charset=utf-8" })
        .end("<!doctype html>Sign in");
      return true;
    case "json":
      json(response, fault.value);
      return true;
    case "cut":
    case "stall":
    case "short":
    case "noRanges":
    case "flip":
      return false;
    default:
      return fault satisfies never;
  }
}

/** Before a request is answered as it should be, `faults` are asked for one; the first argument is its path. */
export async function hubServer(
  repository: HubRepository,
  faults: (path: string) => Fault | undefined = () => undefined,
) {
  const { id, commit, files, licence } = repository;
  const asked: Asked[] = [];
  const revisions = ["main", commit];
  function fileAt(path: string): string | undefined {
    const folder = revisions.map((revision) => `/${id}/resolve/${revision}/`).find((start) => path.startsWith(start));
    return folder === undefined ? undefined : path.slice(folder.length);
  }
  function answer(path: string, request: IncomingMessage, response: ServerResponse): void {
    const fault = faults(path);
    if (fault && misbehaves(fault, response)) return;
    const listed = revisions.find((revision) => path === `/api/models/${id}/revision/${revision}`);
    if (listed !== undefined) {
      const list = { id, sha: commit, siblings: siblings(files), cardData: { license: licence } };
      return json(response, list);
    }
    const cdn = path.startsWith("/cdn/") ? files[path.slice(5)] : undefined;
    if (cdn) return sendFile(cdn, request, response, fault);
    const file = fileAt(path);
    const bytes = file === undefined ? undefined : files[file];
    if (!bytes || file === undefined) return void response.writeHead(404, crossOrigin).end();
    const { port } = server.address() as AddressInfo;
    if (isLarge(file)) {
      const linked = { "x-linked-size": bytes.length, "x-linked-etag": `"${hash("sha256", bytes)}"` };
      const location = `http://localhost:${port}/cdn/${file}`;
      return void response.writeHead(302, { ...crossOrigin, ...linked, location }).end();
    }
    sendFile(bytes, request, response, fault);
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://hub").pathname);
    if (request.method === "OPTIONS") {
      response.writeHead(204, crossOrigin).end();
      return;
    }
    asked.push({ path, range: request.headers.range });
    answer(path, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    hub: { base: `http://127.0.0.1:${port}`, silence: 400, waits: [1, 1] },
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A store in memory that counts what is put, and can die: from its n-th put on, every one fails. */
export function memoryFiles(dies = Infinity): FileStore & { readonly held: Map<string, Uint8Array<ArrayBuffer>> } {
  const held = new Map<string, Uint8Array<ArrayBuffer>>();
  let puts = 0;
  const key = ({ id, revision, path }: Place) => JSON.stringify([id, revision, path]);
  return {
    held,
    async put(place, bytes) {
      if (++puts > dies) throw new Error("the page was closed");
      held.set(key(place), bytes.slice());
    },
    async get(place) {
      const bytes = held.get(key(place));
      return bytes && new Blob([bytes]);
    },
    async list() {
      return [...held.keys()].map((each) => {
        const [id = "", revision = "", path = ""] = JSON.parse(each) as string[];
        return { id, revision, path };
      });
    },
    async remove(place) {
      held.delete(key(place));
    },
  };
}
