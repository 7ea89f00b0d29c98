/** Identifiers that cannot be mistaken for each other. Made here and nowhere else. */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type DocumentId = Id<"document">;
export type QueryId = Id<"query">;
export type CollectionId = Id<"collection">;
export type RunId = Id<"run">;

export const documentId = (text: string): DocumentId => text as DocumentId;
export const queryId = (text: string): QueryId => text as QueryId;
export const collectionId = (text: string): CollectionId => text as CollectionId;
export const runId = (text: string): RunId => text as RunId;
