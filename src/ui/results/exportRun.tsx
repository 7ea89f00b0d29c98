/** What a run trained on and found, in files. */
import { exportCluster, exportRankings, exportReport, exportRunRows, exportTables } from "../../app/exports.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { type ExportItem, ExportMenu, rowItems } from "../parts/exportMenu.tsx";
import { UploadBox } from "./uploadBox.tsx";

export function ExportRun({ run }: { readonly run: RunRecord }) {
  const app = useApp();
  const items: readonly ExportItem[] = [
    {
      label: "Report, HTML",
      about: "all of it in one file to read, print and pass on: figures, curves, queries, recipe, digests",
      act: async () => {
        const { reportHtml } = await import("../report/reportHtml.tsx");
        await exportReport(app, [run], reportHtml);
      },
    },
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
    {
      label: "Continue on a cluster",
      about: "rows, judgements, encoder and recipe, with programs for PyTorch on many GPUs and for vLLM",
      act: () => exportCluster(app, run),
    },
  ];
  return (
    <ExportMenu label="Export this run" items={items}>
      <UploadBox subject={{ kind: "rows", run }} label="Send the rows to the Hugging Face hub" />
    </ExportMenu>
  );
}
