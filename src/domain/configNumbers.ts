/** The numbers that recipes are made of. */
import * as v from "valibot";

export const number = v.pipe(v.number(), v.finite());
export const positive = v.pipe(number, v.gtValue(0));
export const nonNegative = v.pipe(number, v.minValue(0));
export const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
export const count = v.pipe(v.number(), v.integer(), v.minValue(1));
export const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
