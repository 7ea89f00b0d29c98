export interface Served {
  /** Ends with the prefix. */
  readonly url: string;
  close(): void;
}
export function serveFolder(directory: string, prefix?: string): Promise<Served>;
