/** How engines that know only rectangles lay out texts of many lengths: in groups, each padded to the length of its longest. */
import type { Batch } from "./work.ts";

export interface Group {
  /** Numbers of the texts, in the order of the rows. */
  readonly texts: readonly number[];
  /** Places in a row. */
  readonly length: number;
  /** (rows, length); padding is token 0. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** (rows, length) 1 for a token, 0 for padding. */
  readonly mask: Float32Array<ArrayBuffer>;
  /** Whether there is any padding. */
  readonly padded: boolean;
}

/** Row lengths are multiples of this where texts differ: kernels by tiles like them, and programs for a shape get used again. */
const STEP = 16;

const rounded = (length: number): number => Math.ceil(length / STEP) * STEP;

/** Places for sorted lengths from..to in one group, longest last. */
const places = (lengths: readonly number[], from: number, to: number): number =>
  (to - from) * rounded(lengths[to - 1] ?? 0);

/** Where to cut sorted lengths into `groups` runs with the fewest places in all. */
function cuts(lengths: readonly number[], groups: number): number[] {
  const n = lengths.length;
  let best = Array.from({ length: n + 1 }, (_, to): { cost: number; ends: number[] } => ({
    cost: places(lengths, 0, to),
    ends: [to],
  }));
  for (let group = 2; group <= Math.min(groups, n); group++) {
    const before = best;
    best = before.map((known, to) => {
      let winner = known;
      for (let from = 1; from < to; from++) {
        const cost = (before[from]?.cost ?? 0) + places(lengths, from, to);
        if (cost < winner.cost) winner = { cost, ends: [...(before[from]?.ends ?? []), to] };
      }
      return winner;
    });
  }
  return best[n]?.ends ?? [];
}

function groupOf({ texts }: Batch, members: readonly number[], length: number): Group {
  const ids = new Int32Array(members.length * length);
  const mask = new Float32Array(members.length * length);
  members.forEach((member, row) => {
    const text = texts[member] ?? new Int32Array();
    ids.set(text, row * length);
    mask.fill(1, row * length, row * length + text.length);
  });
  return { texts: members, length, ids, mask, padded: mask.includes(0) };
}

/** Every text once, in at most `groups` groups, with the least padding that so many allow. */
export function grouped(batch: Batch, groups: number): readonly Group[] {
  const lengthOf = (text: number) => batch.texts[text]?.length ?? 0;
  const order = batch.texts.map((_, text) => text).sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const lengths = order.map(lengthOf);
  const equal = lengths[0] === lengths.at(-1);
  let start = 0;
  return cuts(lengths, groups).map((end) => {
    const members = order.slice(start, end);
    start = end;
    const longest = lengthOf(members.at(-1) ?? 0);
    return groupOf(batch, members, equal ? longest : rounded(longest));
  });
}

/** Where each text's row is among the rows of all groups. */
export function rowOfText(groups: readonly Group[]): Int32Array<ArrayBuffer> {
  const order = groups.flatMap(({ texts }) => texts);
  const rows = new Int32Array(order.length);
  order.forEach((text, row) => (rows[text] = row));
  return rows;
}

/** In words for the table. */
export function layoutName(batches: readonly (readonly Group[])[]): string {
  const groups = Math.max(...batches.map((batch) => batch.length));
  const padded = batches.some((batch) => batch.some(({ padded }) => padded));
  if (!padded) return "no padding";
  return groups === 1 ? "padded to the longest" : `padded, ${groups} groups`;
}

/** Places over tokens: 1 where nothing is padding. */
export function padding(batch: Batch, groups: number): number {
  const places = grouped(batch, groups).reduce((sum, { ids }) => sum + ids.length, 0);
  return places / batch.tokens;
}
