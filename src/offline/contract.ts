/** What the page and its service worker tell each other. */
import type { ReceivedMessage } from "../base/countedFetch.ts";
import type { TimesMessage } from "../base/requestTimes.ts";
import type { RequestRecord } from "../domain/requests.ts";

/** A file of the built page. */
export interface PageFile {
  /** Beside index.html: "assets/index-1a2b.js". */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Large and not needed for what is built in: kept when it is first used, not before. */
  readonly late: boolean;
}

/** All files of one build. `version` is made of their digests and stands in index.html as well. */
export interface Build {
  readonly version: string;
  readonly files: readonly PageFile[];
}

/** Page to service worker; each is answered on the port that comes with it. */
export type Told =
  /** A page says which build it is. One of the same build is taken care of from then on. */
  | { readonly kind: "hello"; readonly version: string }
  | { readonly kind: "offline"; readonly on: boolean }
  /** To a newer worker that waits: answered with the number of other pages that are in the way. */
  | { readonly kind: "take over" };

export interface Hello {
  readonly version: string;
  readonly offline: boolean;
  /** Requests since the worker woke up. */
  readonly requests: readonly RequestRecord[];
}

/** Service worker to pages, on the channel of requests. `scope` tells it from another Decoy's of the same host. */
export type News =
  | { readonly kind: "request"; readonly scope: string; readonly record: RequestRecord }
  | { readonly kind: "offline"; readonly scope: string; readonly on: boolean }
  /** The page's files could not be kept, and why. */
  | { readonly kind: "not kept"; readonly scope: string; readonly why: string };

export type Heard = News | TimesMessage | ReceivedMessage;

/** The service worker's file, beside index.html. */
export const workerFile = "offline.js";
/** The name of the `meta` element of index.html that holds the version. */
export const versionName = "decoy-version";
