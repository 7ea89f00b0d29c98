/** What lies in the page's database at this moment, read beside the page's own code. */
import type { Page } from "playwright-core";
import type { TrainingSet } from "../../src/domain/training.ts";

/** Everything in a store. */
export function storedIn<T>(page: Page, store: "drafts" | "runs"): Promise<T[]> {
  return page.evaluate(
    (name) =>
      new Promise<T[]>((resolve, reject) => {
        const opening = indexedDB.open("decoy");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const all = opening.result.transaction(name).objectStore(name).getAll();
          all.addEventListener("success", () => {
            opening.result.close();
            resolve(all.result.map((value: { draft?: T } & T) => value.draft ?? value));
          });
        });
      }),
    store,
  );
}

/** How many drafts there are, without bringing them over. */
export function countDrafts(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open("decoy");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const counting = opening.result.transaction("drafts").objectStore("drafts").count();
          counting.addEventListener("success", () => {
            opening.result.close();
            resolve(counting.result);
          });
        });
      }),
  );
}

/** The rows that the only run trains on: JSON in parts, by number. */
export async function storedRows(page: Page): Promise<TrainingSet> {
  const text = await page.evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open("decoy");
        opening.addEventListener("error", () => reject(new Error("no database")));
        opening.addEventListener("success", () => {
          const parts = opening.result.transaction("parts").objectStore("parts");
          const keys = parts.getAllKeys();
          const all: IDBRequest<Uint8Array[]> = parts.getAll();
          all.addEventListener("success", () => {
            opening.result.close();
            const own = all.result.filter((_, i) => JSON.stringify(keys.result[i]).includes('"trainingSet"'));
            const decoder = new TextDecoder();
            resolve(own.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode());
          });
        });
      }),
  );
  return JSON.parse(text) as TrainingSet;
}
