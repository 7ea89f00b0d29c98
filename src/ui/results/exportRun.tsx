/** What a run trained on and found, in files. */
import { exportRankings, exportRunRows, exportTables } from "../../app/exports.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { type ExportItem, ExportMenu, rowItems } from "../parts/exportMenu.tsx";

export function ExportRun({ run }: { readonly run: RunRecord }) {
  const app = useApp();
  const items: readonly ExportItem[] = [
    {
      label: "Tables, CSV",
      about: "every figure with its interval, and each query's own",
      act: () => exportTables(app, run),
    },
    {
      label: "Rankings for TREC",
      about: "the hundred best of every system, and the judgements",
      act: () => exportRankings(app, run),
    },
    ...rowItems((format) => exportRunRows(app, run, format)),
  ];
  return <ExportMenu label="Export this run" items={items} />;
}
