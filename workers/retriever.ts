/** The thread that owns the indexes: BM25 and vectors. */
import { serve } from "../src/base/channel.ts";
import { createRetriever } from "../src/retrieval/service.ts";

serve(self, createRetriever());
