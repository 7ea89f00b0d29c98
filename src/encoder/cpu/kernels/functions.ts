/** exp and Φ of four floats. */
import { f32x4, i32, i32x4, type Code } from "../../../base/wasm.ts";
import { add, get, higher, lower, multiply, set, subtract, type Constants } from "./code.ts";

/** Below this, exp is taken as e⁻⁴⁰ = 4e-18: nothing beside 1 in f32, and its products are no subnormal numbers (slow). */
const LOWEST = -40;
/** 1/k!: with r at most ln 2 / 2 from 0, eʳ is off by r⁸/8! = 5e-9 of itself, before rounding. */
const EXP = [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040];
/** ln 2 in two parts, of which the first has so few digits that its multiples are exact (Cody and Waite, 1980). */
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;
/** Added to a small number, it rounds it to a whole one, n, and leaves n + 127, the exponent of 2ⁿ, in the lowest bits. */
const ROUNDING = 1.5 * 2 ** 23 + 127;
/** Bits after the exponent of a float. */
const FRACTION_BITS = 23;

/**
 * (Φ(x) − ½)/x as a polynomial in 2x²/5.5² − 1, for |x| ≤ 5.5; with it Φ is off by at most 9e-9, before rounding. Fitted by
 * iteratively reweighted least squares at Chebyshev nodes, constant term first.
 */
const PHI = [
  0.128551931, -0.0641723383, 0.0477376349, -0.0387928062, 0.0320701117, -0.026047967, 0.0203656094, -0.0150008264,
  0.0102243652, -0.00681469919, 0.00462760921, -0.00242679658, 0.000715292399, -0.000522753628, 0.000633107015,
  -0.000238387561,
];
/** Φ(−5.5) = 2e-8. */
const WIDEST = 5.5;

export interface Functions {
  /** eˣ for x ≤ 0, to 3e-7 of itself down to −40. */
  expOfNegative(x: Code): Code;
  /** Φ, the standard normal distribution function, to 2e-7. */
  normalCdf(x: Code): Code;
}

/** `local` makes the locals that these functions need. */
export function functionsOf(constants: Constants, local: (type: "v128") => number): Functions {
  const [rest, other] = [local("v128"), local("v128")];
  /** Horner's rule. */
  const polynomial = (x: number, coefficients: readonly number[]): Code =>
    coefficients
      .toReversed()
      .map((coefficient) => constants.of(coefficient))
      .reduce((sum, coefficient) => add(multiply(sum, get(x)), coefficient));

  return {
    // x = n ln 2 + r, eˣ = 2ⁿ eʳ.
    expOfNegative: (x) => [
      ...set(rest, higher(x, constants.of(LOWEST))),
      ...set(other, add(multiply(get(rest), constants.of(Math.LOG2E)), constants.of(ROUNDING))),
      ...reduce(constants, rest, other),
      ...multiply(polynomial(rest, EXP), [...get(other), ...i32.const(FRACTION_BITS), ...i32x4.shl]),
    ],
    normalCdf: (x) => [
      ...set(rest, lower(higher(x, constants.of(-WIDEST)), constants.of(WIDEST))),
      ...set(other, subtract(multiply(multiply(get(rest), get(rest)), constants.of(2 / WIDEST ** 2)), constants.of(1))),
      ...add(multiply(polynomial(other, PHI), get(rest)), constants.of(1 / 2)),
    ],
  };
}

/** r = x − n ln 2, of x in `rest` and n + ROUNDING in `shifted`. */
function reduce(constants: Constants, rest: number, shifted: number): Code {
  const n = subtract(get(shifted), constants.of(ROUNDING));
  return [LN2_HIGH, LN2_LOW].flatMap((part) => [
    ...get(rest),
    ...multiply(n, constants.of(part)),
    ...f32x4.sub,
    ...set(rest, []),
  ]);
}
