/** The thread that owns the GPU device (or the CPU engine) and the weights. Each engine is loaded when it is started. */
import { serve } from "../src/base/channel.ts";
import { reportRequests } from "../src/base/requestTimes.ts";
import { createEncoder } from "../src/train/service.ts";

serve(
  self,
  createEncoder({
    webgpu: async () => (await import("../src/train/webgpu.ts")).openWebGpuEngine(navigator.gpu),
    cpu: async () => (await import("../src/encoder/cpu.ts")).createCpuEngine(),
  }),
);
reportRequests();
