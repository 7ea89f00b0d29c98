/** erf by its Taylor series below 3, by the continued fraction of erfc from there on (Abramowitz and Stegun, 7.1.5 and 7.1.14). */
export function erf(x: number): number {
  const v = Math.abs(x);
  if (v < 3) {
    let term = v;
    let total = v;
    for (let n = 1; Math.abs(term) > 1e-18 * total; n++) {
      term *= (-v * v) / n;
      total += term / (2 * n + 1);
    }
    return (Math.sign(x) * total * 2) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (v + fraction);
  return Math.sign(x) * (1 - Math.exp(-v * v) / Math.sqrt(Math.PI) / (v + fraction));
}

export const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2));

export const geluDerivative = (x: number): number =>
  (1 + erf(x / Math.SQRT2)) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
