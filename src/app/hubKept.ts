/** Encoders of the hub as the page lists them: by id and commit, which say what their files are. */
import { UserError } from "../base/errors.ts";
import type { EncoderFiles } from "../domain/encoder.ts";
import type { PresetFacts } from "../hub/facts.ts";
import type { HubEncoder } from "../hub/kept.ts";
import type { App } from "./app.ts";
import type { EncoderRecord } from "./dependencies.ts";

/** A run started from an encoder of the hub that is not kept here. */
export class NotKept extends UserError {
  override readonly name = "NotKept";
}

const KEY = /^hub:(.+)@([0-9a-f]+)$/u;

/** Names it in recipes and stored runs. */
export const hubKey = ({ id, revision }: Pick<HubEncoder, "id" | "revision">): string => `hub:${id}@${revision}`;

/** A commit as people write it. */
export const shortCommit = (revision: string): string => revision.slice(0, 7);

const recordOf = (hub: HubEncoder): EncoderRecord => ({
  key: hubKey(hub),
  name: hub.id,
  bytes: hub.bytes,
  createdAt: "",
  hub,
});

export async function hubEncoders({ deps }: App): Promise<readonly EncoderRecord[]> {
  // Where nothing is kept, the page starts without the hub's code.
  if ((await deps.store.files.list()).length === 0) return [];
  return (await (await deps.hub()).kept()).map(recordOf);
}

const kept = ({ encoders }: App, key: string): HubEncoder | undefined =>
  encoders.value.find((record) => record.key === key)?.hub;

/** Undefined where `key` is not of the hub. Errors: {@link NotKept}, DamagedDownload. */
export function hubFiles(app: App, key: string): Promise<EncoderFiles> | undefined {
  const [, id, revision] = KEY.exec(key) ?? [];
  if (id === undefined || revision === undefined) return undefined;
  const encoder = kept(app, key);
  if (encoder) return app.deps.hub().then((hub) => hub.files(encoder));
  const what = `The encoder ${id} at revision ${shortCommit(revision)} is not kept in this browser.`;
  return Promise.reject(
    new NotKept(`${what} Download it again under Data, with ${id} as its name and ${revision} as its revision.`),
  );
}

/** What is known of an encoder and its files do not say. */
export async function hubFacts(app: App, key: string): Promise<PresetFacts> {
  const encoder = kept(app, key);
  return encoder ? (await app.deps.hub()).facts(encoder) : {};
}
