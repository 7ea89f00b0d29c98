import { assert } from "../../base/assert.ts";
import { spread, type Dispatch, type Kernel } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../counts.ts";
import turnCode from "./turn.wgsl?raw";

const kernel: Kernel = { name: "rotary/turn", code: turnCode };

interface Turn {
  /** (T, 3H) */
  readonly qkv: Slice;
  readonly counts: Slice;
  /** (T) */
  readonly places: Slice;
  /** (places, D): of each place D/2 cosines, then D/2 sines. */
  readonly angles: Slice;
}

/** Turns queries and keys by their places, in place; `back` takes their gradient back. */
export function turn(
  { qkv, counts, places, angles }: Turn,
  { H, N, back }: { readonly H: number; readonly N: number; readonly back: boolean },
): Dispatch<Counts> {
  const D = H / N;
  assert(D % 2 === 0, `a head of ${H} / ${N} channels, which are no pairs`);
  return {
    kernel,
    constants: { H, D, BACK: back ? 1 : 0 },
    bindings: [counts, places, angles, qkv],
    workgroups: ({ T }) => spread(T * H),
  };
}
