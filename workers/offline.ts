/** The service worker. Its build, with the page's files and their digests, is filled in when the page is built. */
import { requestChannel } from "../src/base/requestTimes.ts";
import type { Build, Told } from "../src/offline/contract.ts";
import { createOffline } from "../src/offline/service.ts";

declare const self: ServiceWorkerGlobalScope;
declare const DECOY_BUILD: Build;

const channel = new BroadcastChannel(requestChannel);
const service = createOffline(
  DECOY_BUILD,
  {
    caches: self.caches,
    fetch: self.fetch.bind(self),
    registration: self.registration,
    clients: self.clients,
    skipWaiting: () => self.skipWaiting(),
  },
  (news) => channel.postMessage(news),
);

self.addEventListener("install", (event) => event.waitUntil(service.install()));
self.addEventListener("activate", (event) => event.waitUntil(service.activate()));
self.addEventListener("fetch", (event) => {
  const answer = service.answer(event.request);
  if (answer) event.respondWith(answer);
});
self.addEventListener("message", (event: ExtendableMessageEvent) => {
  // Only pages of this origin can reach a service worker.
  const told: Told = event.data;
  const [port] = event.ports;
  event.waitUntil(service.hear(told).then((answer) => port?.postMessage(answer)));
});
