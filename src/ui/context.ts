import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { App } from "../app/app.ts";
import { present } from "../base/assert.ts";

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  return present(useContext(AppContext), "the app around this view");
}
