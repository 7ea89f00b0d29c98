/** The collections as cards, the built-in one first; one of them is chosen. */
import { builtInId, downloadRejected, removeCollection, selectCollection } from "../../app/collections.ts";
import { exportCollection } from "../../app/exports.ts";
import { attempt } from "../../app/notices.ts";
import type { CollectionRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { type ExportItem, ExportMenu } from "../parts/exportMenu.tsx";
import { counted, moment, whole } from "../parts/format.ts";
import { Mark } from "../parts/mark.tsx";
import { inOrder } from "../parts/splitOrder.ts";
import { Explain } from "../parts/term.tsx";
import { GivenAway } from "./leaks.tsx";

export function CollectionCards() {
  const { collections } = useApp();
  const list = collections.list.value;
  return (
    <section aria-labelledby="collections">
      <h2 id="collections">Collections</h2>
      {list.length === 0 && (
        <p class="loading">
          <Mark size={32} drifting /> Reading the built-in collection
        </p>
      )}
      <ul class="cards">
        {list.map((record) => (
          <Card key={record.id} record={record} />
        ))}
      </ul>
    </section>
  );
}

function Card({ record }: { readonly record: CollectionRecord }) {
  const app = useApp();
  const chosen = app.collections.selected.value === record.id;
  const own = record.id !== builtInId;
  const exports: readonly ExportItem[] = [
    {
      label: "Collection as BEIR",
      about: "corpus, queries, judgements, and the decoys written here",
      act: () => exportCollection(app, record, "beir"),
    },
    { label: "Judgements for TREC", about: "qrels, a file a split", act: () => exportCollection(app, record, "qrels") },
  ];
  const inUse = app.run.phase.value !== "idle" && app.run.record.value?.collection === record.id;
  return (
    <li class={chosen ? "card chosen" : "card"}>
      <label class="card-choice">
        <input
          type="radio"
          name="collection"
          checked={chosen}
          onChange={() => void attempt(app, () => selectCollection(app, record.id))}
        />
        <span>
          <strong>{record.name}</strong>
          <span class="quiet">{own ? `${record.format}, ${moment(record.createdAt)}` : "Comes with Decoy"}</span>
        </span>
      </label>
      <Counts record={record} />
      <div class="card-foot">
        <ExportMenu label={`Export ${record.name}`} items={exports} />
        {own && (
          <button
            type="button"
            class="plain"
            disabled={!app.writable.value || inUse}
            onClick={() => removeCollection(app, record)}
          >
            Remove {record.name}
          </button>
        )}
      </div>
    </li>
  );
}

const splitWords = (judgements: CollectionRecord["judgements"]): string =>
  inOrder(judgements)
    .map(([split, count]) => `${split}\u00a0${whole(count)}`)
    .join(", ") || "none";

function Counts({ record }: { readonly record: CollectionRecord }) {
  const app = useApp();
  return (
    <dl class="counts">
      <Count name="Documents" value={record.documents} />
      <Count name="Queries" value={record.queries} />
      <div>
        <dt>
          Judgements <Explain word="judgements" />
        </dt>
        <dd>{splitWords(record.judgements)}</dd>
      </div>
      <GivenAway record={record} />
      <Count name="Decoys it brings" value={record.negatives} />
      {record.rejected > 0 && (
        <div>
          <dt>Left out</dt>
          <dd>
            {counted(record.rejected, "row")}{" "}
            <button type="button" class="plain" onClick={() => downloadRejected(app, record.rejectedRows, record.name)}>
              Download <span class="hidden">the rows left out of {record.name}</span>
            </button>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Count({ name, value }: { readonly name: string; readonly value: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{whole(value)}</dd>
    </div>
  );
}
