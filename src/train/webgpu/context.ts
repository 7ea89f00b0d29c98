/** What everything that runs on one device shares. */
import type { Gpu } from "../../gpu/device.ts";
import type { Pipelines } from "../../gpu/pass.ts";
import type { Submitter } from "../../gpu/submit.ts";

export interface Context {
  readonly gpu: Gpu;
  readonly pipelines: Pipelines;
  readonly submitter: Submitter;
}
