/**
 * Seeded randomness. Every random choice in Decoy comes from one of these, passed in: same seed, same choices, on every
 * machine. The generator is sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, seeded by splitmix32.
 */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  next(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** Standard normal (Box and Muller, 1958). */
  normal(): number;
}

/** Hashes a string to 32 bits (FNV-1a): lets a seed be derived for a named purpose. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A generator for one purpose of one seed: `random(7, "shuffle")` and `random(7, "sample")` are independent. */
export function random(seed: number, purpose = ""): Random {
  let s = (seed >>> 0) ^ hash32(purpose) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b9);
  function splitmix(): number {
    s = (s + 0x9e3779b9) | 0;
    let z = s ^ (s >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  }
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), 1];
  function sfc32(): number {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  }
  for (let i = 0; i < 12; i++) sfc32();
  const next = () => sfc32() / 2 ** 32;
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** The same items in a random order (Fisher and Yates). */
export function shuffled<T>(items: Iterable<T>, source: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = source.integer(i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
