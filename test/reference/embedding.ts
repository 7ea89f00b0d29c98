import { at, fill } from "./at.ts";

/** x (T, H) = word[id] + position[place] + type[0] */
export function embed(
  tables: Readonly<Record<"word" | "position" | "type", Float64Array>>,
  ids: ArrayLike<number>,
  places: ArrayLike<number>,
  H: number,
) {
  return fill(ids.length * H, (i) => {
    const [t, c] = [Math.floor(i / H), i % H];
    return at(tables.word, at(ids, t) * H + c) + at(tables.position, at(places, t) * H + c) + at(tables.type, c);
  });
}

/** x (T, H) = word[id] */
export const lookUp = (word: Float64Array, ids: ArrayLike<number>, H: number): Float64Array =>
  fill(ids.length * H, (i) => at(word, at(ids, Math.floor(i / H)) * H + (i % H)));

/** The gradient of a table of `rows` rows of which token t reads row ids[t]; zero where none does. */
export function tableGradient(dx: Float64Array, ids: ArrayLike<number>, rows: number, H: number): Float64Array {
  const gradient = new Float64Array(rows * H);
  dx.forEach((value, i) => {
    const target = at(ids, Math.floor(i / H)) * H + (i % H);
    gradient[target] = at(gradient, target) + value;
  });
  return gradient;
}
