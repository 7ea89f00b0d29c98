/** Peers ask `navigator.gpu`. This puts `gpu` in its place; Node has no navigator before version 21. */
export function offer(gpu: GPU): void {
  if (typeof navigator === "undefined") {
    Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Node" }, configurable: true });
  }
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
}
