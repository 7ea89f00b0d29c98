/** Buffer usages and map modes (WebGPU specification, 5.1.3 and 5.6): not every runtime has the constants as globals. */
export const Usage = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
} as const;

export const MAP_READ = 0x0001;

/** WebGPU's default minUniformBufferOffsetAlignment and minStorageBufferOffsetAlignment, in bytes. */
export const ALIGNMENT = 256;

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
