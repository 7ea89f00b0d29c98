/** Cache storage in memory, with as much room as a test gives it. */

export interface MemoryCaches extends CacheStorage {
  /** Bytes that still fit. */
  room: number;
  /** Whether every call fails, as with a damaged profile. */
  broken: boolean;
}

const keyOf = (request: RequestInfo | URL): string => (request instanceof Request ? request.url : String(request));

export function memoryCaches(): MemoryCaches {
  const all = new Map<string, Map<string, Response>>();
  const state = { room: Infinity, broken: false };
  const check = (): void => {
    if (state.broken) throw new Error("the cache is damaged");
  };
  const cacheOf = (entries: Map<string, Response>) => ({
    match: async (request: RequestInfo | URL) => entries.get(keyOf(request))?.clone(),
    async put(request: RequestInfo | URL, response: Response) {
      const { byteLength } = await response.clone().arrayBuffer();
      if (byteLength > state.room) throw new Error("QuotaExceeded");
      state.room -= byteLength;
      entries.set(keyOf(request), response);
    },
    delete: async (request: RequestInfo | URL) => entries.delete(keyOf(request)),
  });
  const caches = {
    async open(name: string) {
      check();
      const entries = all.get(name) ?? new Map<string, Response>();
      all.set(name, entries);
      return cacheOf(entries);
    },
    keys: async () => [...all.keys()],
    delete: async (name: string) => all.delete(name),
  };
  return Object.assign(state, caches) as unknown as MemoryCaches;
}
