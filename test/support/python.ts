/** A Python with PyTorch, where there is one. */
import { spawnSync } from "node:child_process";

const asked = process.env["DECOY_PYTHON"];
/** Where Debian's package python3-torch is found, though another python may come first. */
const candidates = asked === undefined ? ["python3", "/usr/bin/python3"] : [asked];
export const pythonEnv = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: "1" };

let found: { readonly python: string | undefined } | undefined;

/** A python that has PyTorch, if there is one. */
export function python(): string | undefined {
  const works = (command: string) => spawnSync(command, ["-c", "import numpy, torch"], { env: pythonEnv }).status === 0;
  found ??= { python: candidates.find(works) };
  return found.python;
}
