/**
 * Instructions with their operands, for kernels that read like formulas. A pointer is a local with an address in bytes; all
 * arithmetic here is on four floats at once.
 */
import { f32x4, i32, local, repeatWhile, v128, type Code } from "../../../base/wasm.ts";

export const vectorBytes = 16;
export const lanes = 4;

export const { get } = local;
export const set = (number: number, value: Code): Code => [...value, ...local.set(number)];

export const add = (a: Code, b: Code): Code => [...a, ...b, ...f32x4.add];
export const subtract = (a: Code, b: Code): Code => [...a, ...b, ...f32x4.sub];
export const multiply = (a: Code, b: Code): Code => [...a, ...b, ...f32x4.mul];
export const divide = (a: Code, b: Code): Code => [...a, ...b, ...f32x4.div];
/** Not a number, where `a` is that. */
export const lower = (a: Code, b: Code): Code => [...a, ...b, ...f32x4.pmin];
export const higher = (a: Code, b: Code): Code => [...a, ...b, ...f32x4.pmax];
/** A local of type f32 in all lanes. */
export const splat = (number: number): Code => [...get(number), ...f32x4.splat];

export const load = (address: Code, offset = 0): Code => [...address, ...v128.load(offset)];
export const spread = (address: Code, offset = 0): Code => [...address, ...v128.load32Splat(offset)];
export const store = (address: Code, value: Code, offset = 0): Code => [...address, ...value, ...v128.store(offset)];
/** The first of the four floats. */
export const storeOne = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  ...v128.store32(offset),
];

export const bytes = i32.const;
/** The address `offset` bytes after a pointer. */
export const after = (pointer: number, offset: Code): Code => [...get(pointer), ...offset, ...i32.add];
export const advance = (pointer: number, by: Code): Code => set(pointer, after(pointer, by));

/** Runs `body`, which advances `pointer`, until that has reached `end`; at least once. */
export const upTo = (pointer: number, end: number, body: Code): Code =>
  repeatWhile([...get(pointer), ...get(end), ...i32.ltU], body);
/** Runs `body` as often as `count` says, at least once; uses up `count`. */
export const times = (count: number, body: Code): Code =>
  repeatWhile([...after(count, i32.const(-1)), ...local.tee(count)], body);
/** Runs `body` for each vector of a row of `length` bytes; `column` is its place in the row, in bytes. */
export const alongRow = (column: number, length: number, body: Code): Code => [
  ...set(column, bytes(0)),
  ...upTo(column, length, [...body, ...advance(column, bytes(vectorBytes))]),
];

/** What `combine` makes of the four lanes of a local, in all four of them. */
export function acrossLanes(number: number, combine: (a: Code, b: Code) => Code): Code {
  const moved = (...order: readonly [number, number, number, number]): Code => [
    ...get(number),
    ...get(number),
    ...v128.shuffle(...order),
  ];
  return [
    ...set(number, combine(get(number), moved(2, 3, 0, 1))),
    ...set(number, combine(get(number), moved(1, 0, 3, 2))),
  ];
}

/**
 * Numbers that kernels need, which lie at the start of the heap: a load is one instruction, while V8 makes a constant of
 * four lanes anew in several each time.
 */
export interface Constants {
  readonly values: readonly number[];
  /** In all four lanes. */
  of(value: number): Code;
}

export function constantPool(): Constants {
  const values: number[] = [];
  return {
    values,
    of(value) {
      const known = values.indexOf(value);
      const index = known < 0 ? values.push(value) - 1 : known;
      return spread(bytes(0), index * 4);
    },
  };
}
