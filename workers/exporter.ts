/** A thread that makes encoders into ONNX files and compares them; it is ended afterwards. */
import { serve } from "../src/base/channel.ts";
import { reportRequests } from "../src/base/requestTimes.ts";
import { createExporter } from "../src/export/onnx/service.ts";

serve(self, createExporter());
reportRequests();
