/** Light, dark, or as the system says. */
import type { App } from "./app.ts";
import type { Settings } from "./dependencies.ts";

export const themeNames = ["auto", "light", "dark"] as const;
export type ThemeName = (typeof themeNames)[number];

const key = "decoy.theme";

export function readTheme(settings: Settings): ThemeName {
  const kept = settings.getItem(key);
  return themeNames.find((name) => name === kept) ?? "auto";
}

export function nextTheme(app: App): void {
  const next = themeNames[(themeNames.indexOf(app.theme.value) + 1) % themeNames.length] ?? "auto";
  app.theme.value = next;
  app.deps.settings.setItem(key, next);
}
