/** The thread that owns the indexes: BM25 and vectors. What searches on a GPU is loaded when it is first worth it. */
import { serve } from "../src/base/channel.ts";
import { reportRequests } from "../src/base/requestTimes.ts";
import { createRetriever } from "../src/retrieval/service.ts";

serve(
  self,
  createRetriever({
    openGpu: async () => (await import("../src/retrieval/gpuSearch.ts")).openGpuSearch(navigator.gpu),
  }),
);
reportRequests();
