/** The five places. A column beside the page, a bar below it on a phone. */
import { type PlaceName, placeNames } from "../../app/places.ts";
import { nextTheme } from "../../app/theme.ts";
import { useApp } from "../context.ts";
import { Mark } from "../parts/mark.tsx";
import { PrivacyButton } from "../privacy/privacyButton.tsx";

export const placeWords: Readonly<Record<PlaceName, string>> = {
  data: "Data",
  decoys: "Decoys",
  train: "Train",
  results: "Results",
  try: "Try it",
};

/** 20 × 20, stroked. */
const icons: Readonly<Record<PlaceName, string>> = {
  data: "M3 6c0-4 14-4 14 0s-14 4-14 0v8c0 4 14 4 14 0V6M3 10c0 4 14 4 14 0",
  decoys: "M2.5 10a5 5 0 1 0 10 0 5 5 0 1 0-10 0M7.5 10a5 5 0 1 0 10 0 5 5 0 1 0-10 0",
  train: "M3 3v14h14M6 6c1 6 4 8 11 8",
  results: "M3 5h9M5 3v4M3 10h14M10 8v4M6 15h10M13 13v4",
  try: "M3 8.5a5.5 5.5 0 1 0 11 0 5.5 5.5 0 1 0-11 0M12.5 12.5 17 17",
};

export function Rail() {
  const { place } = useApp();
  return (
    <header class="rail">
      <a class="brand" href="#data">
        <Mark />
        Decoy
      </a>
      <nav aria-label="Places">
        {placeNames.map((name) => (
          <a key={name} href={`#${name}`} aria-current={place.value === name ? "page" : undefined}>
            <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
              <path d={icons[name]} />
            </svg>
            {placeWords[name]}
          </a>
        ))}
      </nav>
      <PrivacyButton />
      <ThemeButton />
    </header>
  );
}

function ThemeButton() {
  const app = useApp();
  const words = { auto: "system", light: "light", dark: "dark" }[app.theme.value];
  return (
    <button type="button" class="plain theme" onClick={() => nextTheme(app)}>
      <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
        <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.5" />
        <path d="M10 3a7 7 0 0 1 0 14Z" fill="currentColor" />
      </svg>
      <span>
        <span class="wide-only">Theme: </span>
        {words}
      </span>
    </button>
  );
}
