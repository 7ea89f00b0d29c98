/**
 * The memory of the kernels: it grows and never shrinks, and what is taken from it is given back in the opposite order.
 * Addresses are in bytes.
 */
import { assert } from "../../base/assert.ts";
import { UserError } from "../../base/errors.ts";
import { hasRelaxed, hasSimd, instantiate, pageBytes } from "../../base/wasm.ts";
import { kernelModule, type Kernels } from "./kernels/kernels.ts";
import { panelColumns, tileRows } from "./kernels/product.ts";

export const floatBytes = 4;
/** A line of the cache. */
const ALIGNMENT = 64;
/** Addresses are 32 bits. */
const MOST_PAGES = 2 ** 32 / pageBytes;

/** The browser has no WebAssembly, or none with vector instructions. */
export class SimdMissing extends UserError {
  override readonly name = "SimdMissing";
}
/** The memory of the CPU engine cannot grow as it has to. */
export class CpuOutOfMemory extends UserError {
  override readonly name = "CpuOutOfMemory";
}

/** Floats in the heap: row r starts `row`·r bytes after `at`. */
export interface Matrix {
  readonly at: number;
  readonly row: number;
  readonly rows: number;
  readonly columns: number;
  /** Whether there is room for whole tiles of rows and whole panels of columns. */
  readonly padded: boolean;
}

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

export class Heap {
  readonly kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  readonly #grown: (bytes: number) => void;
  #floats = new Float32Array(0);
  #top: number;

  /** `grown` is told how many bytes the memory got more; on `dispose`, less. `fused` products round as the machine does. */
  constructor(grown: (bytes: number) => void, fused = hasRelaxed()) {
    if (!hasSimd()) {
      throw new SimdMissing(
        "This browser has no WebAssembly with vector instructions, which the CPU engine needs: it is too old, or they are switched off " +
          "(as iOS's Lockdown Mode does). Use a current browser, switch them on for this page, or choose WebGPU under Train.",
      );
    }
    const { bytes, constants } = kernelModule(fused);
    this.#memory = new WebAssembly.Memory({ initial: 1 });
    this.#grown = grown;
    grown(this.bytes);
    this.kernels = instantiate<Kernels>(bytes, this.#memory);
    this.#top = roundUp(constants.length * floatBytes, ALIGNMENT);
    this.floats.set(constants);
  }

  /** Of the memory as it is now. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** All of the memory; to be asked for anew after anything was taken, which may have moved it. */
  get floats(): Float32Array<ArrayBuffer> {
    if (this.#floats.buffer !== this.#memory.buffer) this.#floats = new Float32Array(this.#memory.buffer);
    return this.#floats;
  }

  /** A part of {@link floats}. */
  view(at: number, count: number): Float32Array<ArrayBuffer> {
    return this.floats.subarray(at / floatBytes, at / floatBytes + count);
  }

  /** Room for `count` floats, with whatever lies there. */
  take(count: number): number {
    const at = this.#top;
    this.#top = roundUp(at + count * floatBytes, ALIGNMENT);
    // A tile beyond the last row, or a vector beyond the last column, may be read.
    const missing = this.#top + pageBytes - this.bytes;
    if (missing > 0) this.#grow(Math.ceil(missing / pageBytes));
    return at;
  }

  /** As {@link take}, of zeros. */
  takeZeros(count: number): number {
    const at = this.take(count);
    this.view(at, count).fill(0);
    return at;
  }

  takeMatrix(rows: number, columns: number): Matrix {
    const row = roundUp(columns, panelColumns);
    return { at: this.take(roundUp(rows, tileRows) * row), row: row * floatBytes, rows, columns, padded: true };
  }

  /** Gives back what `use` took. */
  during<T>(use: () => T): T {
    const top = this.#top;
    try {
      return use();
    } finally {
      assert(this.#top >= top, "memory was given back twice");
      this.#top = top;
    }
  }

  /** To be called once, after the last use. */
  dispose(): void {
    this.#grown(-this.bytes);
  }

  #grow(pages: number): void {
    const before = this.bytes;
    const wanted = before + pages * pageBytes;
    try {
      if (wanted > MOST_PAGES * pageBytes) throw new RangeError("more than 4 GiB");
      this.#memory.grow(pages);
    } catch (error) {
      throw new CpuOutOfMemory(
        `The CPU engine has ${Math.round(before / 2 ** 20)} MiB and could not get ${Math.round(wanted / 2 ** 20)} MiB. ` +
          "Close other tabs, or choose a smaller batch, shorter texts or a smaller encoder.",
        { cause: error },
      );
    }
    this.#grown(this.bytes - before);
  }
}
