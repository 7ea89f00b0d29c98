/** The thread that owns a language model. Each inference library is loaded when a model of its kind is. */
import { serve } from "../src/base/channel.ts";
import { reportRequests } from "../src/base/requestTimes.ts";
import { createGenerator } from "../src/synthesis/engines/service.ts";

serve(
  self,
  createGenerator({
    webllm: async () => (await import("../src/synthesis/engines/webllm.ts")).loadWebLlm(),
    transformers: async () => (await import("../src/synthesis/engines/transformers.ts")).loadTransformers(),
  }),
);
reportRequests();
