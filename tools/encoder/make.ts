/**
 * Makes the two encoders that ship with Decoy, from the collections under DATA (see sources.ts):
 *
 *   npm run encoder -- DATA [WORK=out/encoder]
 *
 * Vocabulary and token ids are made here, by the page's tokenizer; the training itself is PyTorch (python3 with torch and
 * numpy), several times as fast as Decoy's CPU engine. Seeded; what WORK already holds is not made again, and a training
 * that was ended goes on from its last checkpoint. Writes public/encoders/decoy-static and public/encoders/decoy-small; the
 * cards there (README.md) are written by hand, with figures measured by the experiment runner.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { ENTRIES, main as exportFolders } from "./export.ts";
import { prepare } from "./prepare.ts";

/** OpenMP threads that spin while they wait take the cores from those that work. */
const ENVIRONMENT = { ...process.env, OMP_WAIT_POLICY: "PASSIVE" };

function train(name: string, data: string, work: string): void {
  const script = path.join(import.meta.dirname, "training/train.py");
  const { status } = spawnSync("python3", [script, name, data, work], { stdio: "inherit", env: ENVIRONMENT });
  if (status !== 0) throw new Error(`training ${name} ended with ${status}; python3 needs torch and numpy`);
}

export async function main([data, work = "out/encoder"]: readonly string[]): Promise<number> {
  if (data === undefined) {
    console.error("usage: npm run encoder -- DATA [WORK=out/encoder]");
    return 2;
  }
  for (const [name, entries] of Object.entries(ENTRIES)) {
    const own = path.join(work, name);
    if (!existsSync(path.join(own, "sources.json"))) await prepare(data, own, entries);
  }
  train("static", path.join(work, "static"), work);
  train("start", path.join(work, "small"), work);
  train("small", path.join(work, "small"), work);
  return exportFolders([work]);
}
