/** The trained encoder as a download, with ONNX files beside the weights where they are asked for. */
import { chooseOnnx, downloadEncoder, precisions, type Compared, type Precision } from "../../app/encoderExport.ts";
import { attemptTask } from "../../app/notices.ts";
import type { RunRecord } from "../../domain/run.ts";
import { useApp } from "../context.ts";
import { counted } from "../parts/format.ts";

export function DownloadEncoder({ run }: { readonly run: RunRecord }) {
  const app = useApp();
  return (
    <div class="primary-action">
      <button
        type="button"
        class="primary"
        disabled={app.task.value !== undefined}
        onClick={() => void attemptTask(app, "Putting the encoder together", () => downloadEncoder(app, run))}
      >
        Download encoder
      </button>
      <Options />
      <Cosines run={run} />
    </div>
  );
}

const precisionWords = {
  f32: { label: "ONNX, 32 bits", about: "as exact as the encoder" },
  f16: { label: "ONNX, 16 bits", about: "half the size, for GPUs" },
  int8: { label: "ONNX, 8 bits", about: "a quarter of the size, a little less exact" },
} as const satisfies Record<Precision, unknown>;

function Options() {
  const app = useApp();
  const chosen = app.encoderExport.onnx.value;
  const inHalf = app.encoderExport.weights.value === "f16";
  return (
    <details class="menu">
      <summary>
        With ONNX{chosen.length > 0 && `: ${chosen.map((each) => bits[each]).join(", ")}`}
        {inHalf && "; weights in 16 bits"}
      </summary>
      <p class="quiet">
        For transformers.js and other runtimes. Each file is run here and compared with the encoder before you get it.
      </p>
      <ul>
        {precisions.map((precision) => (
          <li key={precision}>
            <label>
              <input
                type="checkbox"
                checked={chosen.includes(precision)}
                disabled={app.task.value !== undefined}
                onChange={({ currentTarget }) => chooseOnnx(app, precision, currentTarget.checked)}
              />{" "}
              {precisionWords[precision].label}
            </label>
            <span class="quiet">{precisionWords[precision].about}</span>
          </li>
        ))}
        <li>
          <label>
            <input
              type="checkbox"
              checked={inHalf}
              disabled={app.task.value !== undefined}
              onChange={({ currentTarget }) =>
                (app.encoderExport.weights.value = currentTarget.checked ? "f16" : "f32")
              }
            />{" "}
            Weights in 16 bits
          </label>
          <span class="quiet">safetensors of half the size</span>
        </li>
      </ul>
    </details>
  );
}

const bits = { f32: "32 bits", f16: "16 bits", int8: "8 bits" } as const satisfies Record<Precision, string>;

const sides = { "": "", "queries/": "queries, ", "documents/": "documents, " } as const satisfies Record<
  Compared["under"],
  string
>;

/** How near the files came, worst first: one text is enough to spoil a search. */
function Cosines({ run }: { readonly run: RunRecord }) {
  const { compared } = useApp().encoderExport;
  if (compared.value?.run !== run.id) return null;
  return (
    <ul class="cosines quiet" data-testid="cosines" aria-label="ONNX compared with the encoder">
      {compared.value.list.map(({ under, precision, texts, worst, mean }) => (
        <li key={under + precision}>
          {sides[under]}
          {bits[precision]}: cosine at worst {worst.toFixed(5)}, on average {mean.toFixed(5)} ({counted(texts, "text")})
        </li>
      ))}
    </ul>
  );
}
