/** What the benchmark needs of the place where it runs: a page, or Node. */
export interface Host {
  /** "Chromium 156.0.8078.79" */
  readonly name: string;
  readonly gpu: GPU;
  /** For progress, a line each. */
  say(line: string): void;
  /** Bytes of JavaScript's heap after garbage collection; undefined where nothing tells. */
  heapBytes(): Promise<number | undefined>;
  /** When all promises that can resolve now have been worked off. */
  nextTask(): Promise<void>;
}
