/**
 * Sums of products, four rows × eight columns at a time: eight sums, two vectors of the right factor and one element of the
 * left fit in 16 registers, and each number that is loaded is used eight or four times. (Of 3×3 to 6×2 vectors, none was
 * faster in V8.) The right factor comes in panels: eight columns, row by row, so that it is read in one line.
 */
import { f32x4, v128, wasmFunction, type Code, type WasmFunction } from "../../../base/wasm.ts";
import {
  add,
  advance,
  after,
  bytes,
  get,
  load,
  multiply,
  set,
  spread,
  store,
  times,
  upTo,
  vectorBytes,
} from "./code.ts";

export const tileRows = 4;
export const panelColumns = 8;
const panelVectors = 2;
export const panelRowBytes = panelVectors * vectorBytes;

/**
 * c = from + a·b for `tiles` tiles of rows and one panel of b. Element (r, k) of a tile of a is at a + r·aRow + k·aStep, the
 * next tile aTile on; rows of c and `from` are cRow and fromRow apart, and with fromRow = 0 all start from one row.
 * `fused`: a product and its addition in one instruction where the machine has one, a tenth faster in Chromium on x86-64.
 */
export const multiplyKernel = (fused: boolean): WasmFunction =>
  wasmFunction(
    "multiply",
    // prettier-ignore
    { a: "i32", aRow: "i32", aStep: "i32", aTile: "i32", b: "i32", bEnd: "i32", c: "i32", cRow: "i32", from: "i32", fromRow: "i32", tiles: "i32" },
    ({ a, aRow, aStep, aTile, b, bEnd, c, cRow, from, fromRow, tiles }, local) => {
      const vectors = () => Array.from({ length: panelVectors }, () => local("v128"));
      const rows = Array.from({ length: tileRows }, () => ({ pointer: local("i32"), sums: vectors() }));
      const [panel, columns, element] = [local("i32"), vectors(), local("v128")];
      const multiplyAdd = (a: Code, b: Code, c: Code): Code =>
        fused ? [...a, ...b, ...c, ...f32x4.relaxedMadd] : add(c, multiply(a, b));
      const addProducts = [
        ...columns.flatMap((column, v) => set(column, load(get(panel), v * vectorBytes))),
        ...rows.flatMap(({ pointer, sums }) => [
          ...set(element, spread(get(pointer))),
          ...sums.flatMap((sum, v) => set(sum, multiplyAdd(get(element), get(columns[v] ?? 0), get(sum)))),
        ]),
        ...rows.flatMap(({ pointer }) => advance(pointer, get(aStep))),
        ...advance(panel, bytes(panelRowBytes)),
      ];
      const oneTile = [
        ...rows.flatMap(({ pointer, sums }, r) => [
          ...set(pointer, r === 0 ? get(a) : after(rows[r - 1]?.pointer ?? a, get(aRow))),
          ...sums.flatMap((sum, v) => set(sum, load(get(from), v * vectorBytes))),
          ...advance(from, get(fromRow)),
        ]),
        ...set(panel, get(b)),
        ...upTo(panel, bEnd, addProducts),
        ...rows.flatMap(({ sums }) => [
          ...sums.flatMap((sum, v) => store(get(c), get(sum), v * vectorBytes)),
          ...advance(c, get(cRow)),
        ]),
        ...advance(a, get(aTile)),
      ];
      return times(tiles, oneTile);
    },
  );

/** Copies one vector of each of `rows` rows. */
export const gatherKernel = (): WasmFunction =>
  wasmFunction(
    "gather",
    { to: "i32", toStep: "i32", from: "i32", fromStep: "i32", rows: "i32" },
    ({ to, toStep, from, fromStep, rows }) =>
      times(rows, [...store(get(to), load(get(from))), ...advance(to, get(toStep)), ...advance(from, get(fromStep))]),
  );

/** Four rows, side by side: element k of each of them is written to `to` + k·toStep; `quads` times four elements. */
export const transposeKernel = (): WasmFunction =>
  wasmFunction(
    "transpose",
    { to: "i32", toStep: "i32", first: "i32", second: "i32", third: "i32", fourth: "i32", quads: "i32" },
    ({ to, toStep, first, second, third, fourth, quads }, local) => {
      const pointers = [first, second, third, fourth];
      const rows = pointers.map(() => local("v128"));
      const pairs = pointers.map(() => local("v128"));
      const mixed = (from: readonly number[], a: number, b: number, shuffle: Code): Code => [
        ...get(from[a] ?? 0),
        ...get(from[b] ?? 0),
        ...shuffle,
      ];
      return times(quads, [
        ...rows.flatMap((row, i) => set(row, load(get(pointers[i] ?? 0)))),
        // The first two lanes of rows 0 and 1, their last two, then the same of rows 2 and 3.
        ...[0, 2].flatMap((row) => [
          ...set(pairs[row] ?? 0, mixed(rows, row, row + 1, v128.shuffle(0, 4, 1, 5))),
          ...set(pairs[row + 1] ?? 0, mixed(rows, row, row + 1, v128.shuffle(2, 6, 3, 7))),
        ]),
        ...[0, 1].flatMap((half) =>
          [v128.shuffle(0, 1, 4, 5), v128.shuffle(2, 3, 6, 7)].flatMap((shuffle) => [
            ...store(get(to), mixed(pairs, half, half + 2, shuffle)),
            ...advance(to, get(toStep)),
          ]),
        ),
        ...pointers.flatMap((pointer) => advance(pointer, bytes(vectorBytes))),
      ]);
    },
  );
