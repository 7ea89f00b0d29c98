/** The five places of the page. The address says which one is shown, so that back, forward and links work. */
import type { App } from "./app.ts";

export const placeNames = ["data", "decoys", "train", "results", "try"] as const;
export type PlaceName = (typeof placeNames)[number];

/** The place that `hash` ("#train") names; the first where it names none. */
export function placeOf(hash: string): PlaceName {
  return placeNames.find((name) => `#${name}` === hash) ?? placeNames[0];
}

export function goTo(app: App, place: PlaceName): void {
  app.place.value = place;
  if (typeof location !== "undefined" && placeOf(location.hash) !== place) location.hash = place;
}

export function followAddress(app: App): void {
  app.place.value = placeOf(location.hash);
  addEventListener("hashchange", () => (app.place.value = placeOf(location.hash)));
}
