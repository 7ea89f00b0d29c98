/** Engines by name. */
import { watched } from "../watch.ts";
import { openDecoy } from "./decoy.ts";
import type { BenchEngine, EngineName } from "./engine.ts";
import { openJax } from "./jax.ts";
import { openTfjs } from "./tfjs.ts";

/** An engine on a device of its own. */
export function openEngine(name: EngineName, gpu: GPU): Promise<BenchEngine> {
  switch (name) {
    case "decoy":
      return openDecoy(watched(gpu));
    case "decoy-f16":
      return openDecoy(watched(gpu), "f16");
    case "jax-js":
      return openJax(gpu);
    case "tfjs":
      return openTfjs(watched(gpu));
    default:
      return name satisfies never;
  }
}
