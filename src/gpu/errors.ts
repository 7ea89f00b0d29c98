/** What can go wrong with a GPU that a person can do something about. */
import { UserError } from "../base/errors.ts";

/** No adapter or no device: WebGPU is missing, switched off, or has no usable GPU. */
export class GpuUnavailable extends UserError {
  override readonly name = "GpuUnavailable";
}

/** The device went away while it was in use: driver reset, sleep, another program, or `destroy()`. */
export class DeviceLost extends UserError {
  override readonly name = "DeviceLost";
}

/** A buffer could not be had. */
export class GpuOutOfMemory extends UserError {
  override readonly name = "GpuOutOfMemory";
}

const MIB = 2 ** 20;

/** "1.5 MiB" */
export const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`;

export const outOfMemory = (label: string, bytes: number, reason: string): GpuOutOfMemory =>
  new GpuOutOfMemory(
    `The GPU cannot hold ${mebibytes(bytes)} for ${label}: ${reason}. ` +
      "Use a smaller batch, shorter texts or a smaller encoder, or close other pages that use the GPU.",
  );
