import { serve } from "../src/base/channel.ts";
import { createReader } from "../src/data/reader.ts";

serve(self, createReader());
