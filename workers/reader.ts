import { serve } from "../src/base/channel.ts";
import { inParts } from "../src/data/inParts.ts";
import { createReader } from "../src/data/reader.ts";

serve(self, inParts(createReader()));
