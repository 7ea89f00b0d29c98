/** What a language model would find here. */

/** Answers of the Prompt API to whether the browser has a model of its own; undefined where it has no such API. */
export type Availability = "available" | "downloadable" | "downloading" | "unavailable";

export interface Device {
  readonly webgpu: boolean;
  /** 16-bit numbers in GPU programs. */
  readonly f16: boolean;
  readonly maxBufferBytes: number | undefined;
  /** Of main memory, rounded to a power of two and never told to be more than 8 or, later, 32. */
  readonly deviceMemoryGB: number | undefined;
  readonly browserModel?: Availability | undefined;
}

interface Scope {
  readonly navigator: { readonly gpu?: GPU; readonly deviceMemory?: number };
}

/** Asks the browser; an adapter is asked for and given up again. */
export async function readDevice({ navigator }: Scope, browserModel?: Availability): Promise<Device> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return {
    webgpu: !!adapter,
    f16: adapter?.features.has("shader-f16") ?? false,
    maxBufferBytes: adapter?.limits.maxBufferSize,
    deviceMemoryGB: navigator.deviceMemory,
    browserModel,
  };
}
