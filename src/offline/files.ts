/**
 * The files of one build, kept in a cache of their own and stamped with their digests. A build is kept whole or not at
 * all, and only from bytes that have the digest of the build: a host in the middle of an update never gives a mixture.
 */
import { addressOfFile } from "./plan.ts";
import type { Build, PageFile } from "./contract.ts";

export interface FilesHost {
  readonly scope: string;
  readonly caches: CacheStorage;
  readonly fetch: typeof fetch;
  /** Called with what was fetched from the host. */
  readonly fetched: (address: string, bytes: number) => void;
}

const stamp = "x-decoy-sha256";
/** So many files are fetched at once: the page may want the connection too. */
const atOnce = 4;

const cacheName = (scope: string, version: string): string => `decoy ${scope} ${version}`;
/** The caches of this page's builds; other folders of the host have theirs. */
async function cacheNames({ caches, scope }: FilesHost): Promise<string[]> {
  return (await caches.keys()).filter((name) => name.startsWith(cacheName(scope, "")));
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A file of this build from the host, stamped. Errors: the host does not answer, or with something else. */
async function fetchFile({ path, sha256: wanted }: PageFile, host: FilesHost): Promise<Response> {
  const address = addressOfFile(path, host.scope);
  const response = await host.fetch(address, { cache: "no-cache", credentials: "same-origin" });
  if (!response.ok) throw new Error(`the host answered ${response.status} for ${path}`);
  const bytes = await response.arrayBuffer();
  host.fetched(address, bytes.byteLength);
  if ((await sha256(bytes)) !== wanted) throw new Error(`the host gave another version of ${path}`);
  const headers = new Headers(response.headers);
  // They speak of the bytes on the way; these are unpacked.
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(name);
  headers.set(stamp, wanted);
  return new Response(bytes, { headers });
}

async function fromOlder(file: PageFile, older: readonly Cache[], { scope }: FilesHost): Promise<Response | undefined> {
  for (const cache of older) {
    const kept = await cache.match(addressOfFile(file.path, scope));
    if (kept?.headers.get(stamp) === file.sha256) return kept;
  }
  return undefined;
}

async function keepFile(file: PageFile, cache: Cache, older: readonly Cache[], host: FilesHost): Promise<void> {
  const kept = await fromOlder(file, older, host);
  if (!kept && file.late) return;
  await cache.put(addressOfFile(file.path, host.scope), kept ?? (await fetchFile(file, host)));
}

/** Keeps all files of a build, and the late ones that are here already. Errors: why not; then nothing of it stays. */
export async function keepBuild({ version, files }: Build, host: FilesHost): Promise<void> {
  const name = cacheName(host.scope, version);
  const others = (await cacheNames(host)).filter((other) => other !== name);
  // The largest first: where there is no room, that shows before anything else was fetched.
  const queue = [...files].sort((a, b) => b.bytes - a.bytes);
  try {
    const cache = await host.caches.open(name);
    const older = await Promise.all(others.map((other) => host.caches.open(other)));
    const work = async (): Promise<void> => {
      for (let file = queue.shift(); file; file = queue.shift()) await keepFile(file, cache, older, host);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  } catch (error) {
    queue.length = 0;
    await host.caches.delete(name);
    throw error;
  }
}

/** Takes away what older builds kept. */
export async function dropOlder({ version }: Build, host: FilesHost): Promise<void> {
  const others = (await cacheNames(host)).filter((name) => name !== cacheName(host.scope, version));
  await Promise.all(others.map((name) => host.caches.delete(name)));
}

/** A file that is kept; undefined where it is not, or where the cache cannot be read. */
export async function keptFile(path: string, { version }: Build, host: FilesHost): Promise<Response | undefined> {
  try {
    const cache = await host.caches.open(cacheName(host.scope, version));
    return await cache.match(addressOfFile(path, host.scope));
  } catch {
    return undefined;
  }
}

/** Fetches a late file, or one that the cache lost, and keeps it if it can. Errors: the host has it no more. */
export async function fetchAndKeep(file: PageFile, { version }: Build, host: FilesHost): Promise<Response> {
  const response = await fetchFile(file, host);
  try {
    const cache = await host.caches.open(cacheName(host.scope, version));
    await cache.put(addressOfFile(file.path, host.scope), response.clone());
  } catch {
    // A full disk: the page goes on without it being kept.
  }
  return response;
}
