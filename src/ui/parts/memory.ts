import type { MemoryUse } from "../../domain/engine.ts";
import { size } from "./format.ts";

const parts = [
  ["weights", "weights"],
  ["adapters", "LoRA"],
  ["gradient", "gradient"],
  ["moments", "moments"],
  ["activations", "activations"],
] as const satisfies readonly (readonly [keyof MemoryUse, string])[];

/** "Training takes at most 881 MB of memory: weights 90 MB, gradient 90 MB, …" */
export function memoryWords(memory: MemoryUse): string {
  const named = parts.filter(([part]) => memory[part] > 0).map(([part, word]) => `${word} ${size(memory[part])}`);
  return `Training takes at most ${size(memory.total)} of memory: ${named.join(", ")}.`;
}
