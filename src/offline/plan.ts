/** What the service worker does with a request. */

export interface Asked {
  readonly url: string;
  readonly method: string;
}

export interface Circumstances {
  /** The folder of the page: "https://host/decoy/". */
  readonly scope: string;
  /** Paths of the files of this build. */
  readonly paths: ReadonlySet<string>;
  readonly offline: boolean;
}

export type Plan =
  /** Answered with the file of this build that is kept. */
  | { readonly kind: "kept"; readonly path: string }
  /** Left to the browser, as if there were no service worker. */
  | { readonly kind: "leave" }
  /** Answered with an error, and nothing is sent. */
  | { readonly kind: "refuse" };

const indexFile = "index.html";

/** The file of the build that `url` names; undefined where it names none. */
function fileOf(url: URL, { scope, paths }: Circumstances): string | undefined {
  const folder = new URL(scope);
  if (url.origin !== folder.origin || !url.pathname.startsWith(folder.pathname)) return undefined;
  let path = url.pathname.slice(folder.pathname.length);
  try {
    path = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (path === "") path = indexFile;
  return paths.has(path) ? path : undefined;
}

export function planOf({ url, method }: Asked, circumstances: Circumstances): Plan {
  const address = new URL(url);
  if (address.protocol !== "http:" && address.protocol !== "https:") return { kind: "leave" };
  const path = method === "GET" ? fileOf(address, circumstances) : undefined;
  if (path !== undefined) return { kind: "kept", path };
  return { kind: circumstances.offline ? "refuse" : "leave" };
}

/** Where the host gives the file out: some hosts lead index.html on to its folder. */
export const addressOfFile = (path: string, scope: string): string =>
  new URL(path === indexFile ? "./" : path.split("/").map(encodeURIComponent).join("/"), scope).href;
