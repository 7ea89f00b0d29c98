/** The hub's encoders for a page: which are worth starting from, which are kept, fetching and removing one. */
import type { EncoderCard, EncoderFiles } from "../domain/encoder.ts";
import { download, type HubProgress } from "./download.ts";
import { keptEncoders, keptFiles, removeKept, unfinished } from "./kept.ts";
import type { FileStore, HubEncoder, Place, Unfinished } from "./kept.ts";
import { presetFacts, type PresetFacts } from "./facts.ts";
import { presetOf, presets, type Preset } from "./presets.ts";
import type { Hub } from "./request.ts";

export type Commit = Pick<Place, "id" | "revision">;

interface Wanted {
  readonly id: string;
  /** A branch, tag or commit; a preset's own, or main, where left out. */
  readonly revision?: string | undefined;
  /** Ends it; what has come is kept. */
  readonly signal?: AbortSignal;
}

export interface Encoders {
  readonly presets: readonly Preset[];
  /** As the encoder's folder will describe it, as far as is known before. */
  card(preset: Preset): EncoderCard;
  /** Whole and checked, by name. */
  kept(): Promise<readonly HubEncoder[]>;
  /** Downloads that were cut short; what came is kept. */
  unfinished(): Promise<readonly Unfinished[]>;
  /** Errors: DamagedDownload. */
  files(encoder: HubEncoder): Promise<EncoderFiles>;
  /** What a preset says of a kept encoder and its files do not; nothing where it is no preset. */
  facts(encoder: HubEncoder): Promise<PresetFacts>;
  /** Errors: those of {@link download}. */
  fetch(wanted: Wanted): AsyncGenerator<HubProgress, HubEncoder, void>;
  /** Of a kept encoder or of an unfinished download. */
  remove(commit: Commit): Promise<void>;
}

const presetCard = (preset: Preset): EncoderCard => ({
  name: preset.name,
  shape: preset.shape,
  pooling: preset.pooling,
  queryPrefix: preset.queryPrefix,
  documentPrefix: preset.documentPrefix,
  maxTokens: preset.maxTokens,
  parameters: preset.parameters,
});

export const encodersOf = (hub: Hub, store: FileStore): Encoders => ({
  presets,
  card: presetCard,
  kept: () => keptEncoders(store),
  unfinished: () => unfinished(store),
  files: (encoder) => keptFiles(store, encoder),
  async facts(encoder) {
    const preset = presetOf(encoder.id);
    return preset ? presetFacts(preset, await keptFiles(store, encoder)) : {};
  },
  fetch({ id, revision, signal }) {
    const preset = presetOf(id);
    const wanted = revision ?? preset?.commit ?? preset?.revision;
    // What is pinned is pinned at one commit.
    const pinned = preset?.commit !== undefined && wanted === preset.commit ? preset.sha256 : undefined;
    return download({ hub: { ...hub, ...(signal && { signal }) }, store, id, revision: wanted, pinned });
  },
  remove: (commit) => removeKept(store, commit),
});
