import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Path of a Chromium: the variable CHROMIUM, or the usual places; undefined if there is none. */
export function findChromium() {
  return [process.env.CHROMIUM, ...PLACES].find((place) => place && existsSync(place));
}

/** The same, after trying Debian's package where there is none. Its SwiftShader also serves the kernel tests. */
export function chromiumOrInstall() {
  const found = findChromium();
  if (found) return found;
  const prefix = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  for (const step of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
  ]) {
    const [command, ...args] = [...prefix, "apt-get", ...step];
    spawnSync(command, args, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  }
  const installed = findChromium();
  if (installed) return installed;
  console.error(
    "No Chromium was found, and installing Debian's package failed. Install Chromium, or set CHROMIUM to its path.",
  );
  console.log("\n0 passed, 1 failed");
  return process.exit(1);
}
