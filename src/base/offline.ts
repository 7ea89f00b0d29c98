/**
 * The person's switch "Offline", as the page's own fetchers see it. The service worker is what enforces it; this copy is
 * there so that a fetcher can say why nothing was asked, instead of meeting a connection that fails without a reason.
 */
import { UserError } from "./errors.ts";

/** Nothing was asked of another host, because the person switched that off. */
export class SwitchedOffline extends UserError {
  override readonly name = "SwitchedOffline";
}

let offline = false;

export const isSwitchedOffline = (): boolean => offline;

export function switchOffline(on: boolean): void {
  offline = on;
}

/** What to say of a request that was not made. */
export const offlineWords = (host: string): string =>
  `Nothing was asked of ${host}: Offline is switched on under Privacy. Switch it off there, then try again.`;

/** To be called before another host is asked. Errors: SwitchedOffline. */
export function refuseOffline(host: string): void {
  if (offline) throw new SwitchedOffline(offlineWords(host));
}
