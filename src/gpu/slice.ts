/** A tensor as a kernel binds it: a range of a buffer. In bytes. */
export interface Slice {
  readonly buffer: GPUBuffer;
  /** A multiple of 256. */
  readonly offset: number;
  readonly size: number;
}

/** All of a buffer. */
export const whole = (buffer: GPUBuffer): Slice => ({ buffer, offset: 0, size: buffer.size });

/** `floats` float32 numbers of a buffer, from number `start` on. */
export const floatsOf = (buffer: GPUBuffer, start: number, floats: number): Slice => ({
  buffer,
  offset: start * Float32Array.BYTES_PER_ELEMENT,
  size: floats * Float32Array.BYTES_PER_ELEMENT,
});
