/**
 * Writes WebAssembly modules, so that a kernel can be made where it runs and for the sizes that it is needed for. No more
 * instructions than are used; each is one line. Source of every byte: WebAssembly Core Specification 2.0, chapter 5
 * (binary format), of which the vector instructions are a part since 2.0.
 */
export type Code = readonly number[];
export type ValueType = keyof typeof valueTypes;

export interface WasmFunction {
  /** Under which it is exported. */
  readonly name: string;
  readonly parameters: readonly ValueType[];
  /** Numbered on from the parameters; they start as zeros. */
  readonly locals: readonly ValueType[];
  /** Leaves nothing on the stack: what a function makes lies in memory. */
  readonly body: Code;
}

/** 5.3.1, number types, and 5.3.2, vector types. */
const valueTypes = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;

/** Bytes of a page of memory (4.2.8). */
export const pageBytes = 65_536;

/** 5.2.2, unsigned LEB128: seven bits a byte, lowest first, the eighth says that more follow. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** 5.2.2, signed LEB128: ends where the rest is the sign of what was written. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest >= -0x40 && rest < 0x40) return [...bytes, rest & 0x7f];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** 5.1.3: how many, then each. */
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
/** How many bytes, then the bytes. */
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
const named = (name: string): Code => sized([...new TextEncoder().encode(name)]);

/** 5.4.8: vector instructions have a prefix, then their number. */
const simd = (instruction: number, ...immediate: number[]): Code => [0xfd, ...unsigned(instruction), ...immediate];
/** 5.4.6: the alignment that may be counted on (2⁰ bytes, that is none), then what is added to the address. */
const at = (offset: number): number[] => [0x00, ...unsigned(offset)];

/** 5.4.4 */
export const local = {
  get: (index: number): Code => [0x20, ...unsigned(index)],
  set: (index: number): Code => [0x21, ...unsigned(index)],
  tee: (index: number): Code => [0x22, ...unsigned(index)],
};

/** 5.4.7; the comparison takes its operands as unsigned. */
export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  ltU: [0x49],
  add: [0x6a],
} as const;

/** 5.4.8; loads and stores take the address from the stack and add `offset`. */
export const v128 = {
  load: (offset: number): Code => simd(0x00, ...at(offset)),
  /** One float in all four lanes. */
  load32Splat: (offset: number): Code => simd(0x09, ...at(offset)),
  store: (offset: number): Code => simd(0x0b, ...at(offset)),
  /** The first lane alone. */
  store32: (offset: number): Code => simd(0x5a, ...at(offset), 0),
  zero: simd(0x0c, ...Array.from({ length: 16 }, () => 0)),
  /** Four lanes out of two vectors: 0 to 3 are the first's, 4 to 7 the second's. */
  shuffle: (...lanes: readonly [number, number, number, number]): Code =>
    simd(0x0d, ...lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3])),
} as const;

/** 5.4.8; lane by lane, each rounded to float32. */
export const f32x4 = {
  splat: simd(0x13),
  sqrt: simd(0xe3),
  add: simd(0xe4),
  sub: simd(0xe5),
  mul: simd(0xe6),
  div: simd(0xe7),
  /** a·b + c, rounded once or twice, as is faster on the machine (Relaxed SIMD, a part of 3.0): see {@link hasRelaxed}. */
  relaxedMadd: simd(0x105),
  /** The second where it is less than the first, else the first: not a number stays that. */
  pmin: simd(0xea),
  /** The second where it is greater than the first, else the first. */
  pmax: simd(0xeb),
} as const;

/** 5.4.8; lane by lane, by as many bits as the number on the stack says. */
export const i32x4 = { shl: simd(0xab) } as const;

/** 5.4.1: a loop (0x03) without result (0x40) whose last instruction goes back to its start (0x0d) while `condition` holds. */
export const repeatWhile = (condition: Code, body: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0x00, 0x0b];

/** A function whose `body` gets the numbers of its parameters by their names, and makes locals as it needs them. */
export function wasmFunction<Name extends string>(
  name: string,
  parameters: Readonly<Record<Name, ValueType>>,
  body: (numbers: Readonly<Record<Name, number>>, local: (type: ValueType) => number) => Code,
): WasmFunction {
  const types = Object.values<ValueType>(parameters);
  const numbers = Object.fromEntries(Object.keys(parameters).map((name, i) => [name, i]));
  const locals: ValueType[] = [];
  const local = (type: ValueType) => types.length + locals.push(type) - 1;
  return { name, parameters: types, body: body(numbers as Record<Name, number>, local), locals };
}

/** 5.5.13: runs of locals of one type (here of one each), the instructions, and their end (0x0b). */
const code = ({ locals, body }: WasmFunction): Code =>
  sized([...vector(locals.map((type) => [1, valueTypes[type]])), ...body, 0x0b]);

/** 5.3.6: a function (0x60) from parameters to no result. */
const signature = ({ parameters }: WasmFunction): Code => [
  0x60,
  ...vector(parameters.map((type) => [valueTypes[type]])),
  ...vector([]),
];

/** 5.5.2: each section has its number and its length; 5.5.4 to 5.5.13 say what is in it. */
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];

/** 5.5.16: "\0asm", then version 1. */
const preamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module of `functions` over a memory that is given to it: see {@link instantiate}. */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...preamble,
    ...section(1, functions.map(signature)),
    // Import "memory" of "host": a memory (0x02) of at least (0x00) no pages.
    ...section(2, [[...named("host"), ...named("memory"), 0x02, 0x00, ...unsigned(0)]]),
    // Each function has the signature of its own number.
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    // Export: a function (0x00) by its number.
    ...section(
      7,
      functions.map(({ name }, i) => [...named(name), 0x00, ...unsigned(i)]),
    ),
    ...section(10, functions.map(code)),
  ]);
}

type Exported = Readonly<Record<string, ((...values: number[]) => void) | undefined>>;

/** The functions of a module of {@link wasmModule} over `memory`, compiled at once: for modules of a few kB. */
export function instantiate<Functions = Exported>(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
  return exports as Functions;
}

/** Whether WebAssembly is here and takes `body`, which has one vector as a local. */
function isValid(body: Code): boolean {
  const probe: WasmFunction = { name: "probe", parameters: [], locals: ["v128"], body };
  return typeof WebAssembly === "object" && WebAssembly.validate(wasmModule([probe]));
}

/** Whether WebAssembly and its vector instructions are here: a person may have switched it off, as iOS' Lockdown Mode does. */
export const hasSimd = (): boolean => isValid([...v128.zero, ...local.set(0)]);

/** Whether those are here too whose last bit depends on the machine. */
export const hasRelaxed = (): boolean =>
  isValid([...local.get(0), ...local.get(0), ...local.get(0), ...f32x4.relaxedMadd, ...local.set(0)]);
