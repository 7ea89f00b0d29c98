/** The person's switch, kept where a service worker finds it again: it forgets everything when the browser ends it. */

const entry = "offline";

/** `known` says at once what is known, `read` waits until it is. */
export function openSwitch(caches: CacheStorage, scope: string) {
  const name = `decoy-switch ${scope}`;
  const address = new URL(entry, scope).href;
  let state: boolean | undefined;
  async function readKept(): Promise<boolean> {
    // Opened before it is looked into: has() would say the same, in two steps.
    const kept = await (await caches.open(name)).match(address).catch(() => undefined);
    return kept !== undefined;
  }
  const reading = readKept().then(
    (on) => (state ??= on),
    () => (state ??= false),
  );
  return {
    known: (): boolean | undefined => state,
    read: async (): Promise<boolean> => state ?? (await reading),
    async write(on: boolean): Promise<void> {
      state = on;
      try {
        const cache = await caches.open(name);
        await (on ? cache.put(address, new Response(entry)) : cache.delete(address));
      } catch {
        // Not kept: the page, which keeps it too, says it again when it opens.
      }
    },
  };
}
