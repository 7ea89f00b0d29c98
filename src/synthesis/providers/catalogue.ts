/**
 * Models worth offering. The figures of WebLLM's come from its own list (`prebuiltAppConfig` of 0.2.86: memory, context);
 * the test holds them to the installed version. Its list is not imported here: it lies in a bundle of six megabytes.
 */
import type { ModelChoice, ProviderSettings } from "../../domain/languageModel.ts";
import type { Device } from "./device.ts";

interface WebLlmModel {
  readonly id: string;
  readonly name: string;
  /** Of the model's card, in millions. */
  readonly parameters: number;
  readonly megabytes: number;
  readonly context: number;
  /** Whether the list calls it fit for phones and other small devices. */
  readonly small: boolean;
  readonly licence: string;
}

const llama = (version: string) => `Llama ${version} Community License`;
const apache = "Apache-2.0";
const context = 4096;

/** Smallest first; each once for GPUs with 16-bit numbers and once for those without. */
export const webLlmModels: readonly WebLlmModel[] = [
  ["SmolLM2-360M-Instruct", "SmolLM2 360M", 362, 376.06, 579.61, apache] as const,
  ["Llama-3.2-1B-Instruct", "Llama 3.2 1B", 1236, 879.04, 1128.82, llama("3.2")] as const,
  ["Qwen2.5-1.5B-Instruct", "Qwen2.5 1.5B", 1544, 1629.75, 1888.97, apache] as const,
  ["Llama-3.2-3B-Instruct", "Llama 3.2 3B", 3213, 2263.69, 2951.51, llama("3.2")] as const,
  ["Qwen3-4B", "Qwen3 4B", 4022, 3431.59, 4327.71, apache] as const,
  ["Llama-3.1-8B-Instruct", "Llama 3.1 8B", 8030, 5001, 6101.01, llama("3.1")] as const,
].flatMap(([id, name, parameters, half, single, licence]) => {
  const rest = { parameters, context, small: parameters < 5000, licence };
  return [
    { id: `${id}-q4f16_1-MLC`, name, megabytes: half, ...rest },
    { id: `${id}-q4f32_1-MLC`, name: `${name} (32-bit)`, megabytes: single, ...rest },
  ];
});

/**
 * WebLLM's list names the feature shader-f16 for some of its 16-bit models only, but all of their GPU programs need it
 * (mlc-ai/web-llm issue 255).
 */
export const needsF16 = (id: string): boolean => /-q\df16/u.test(id);

/**
 * About: four bits a weight, and for each group of 32 weights a scale of 16 or 32 bits. The list holds no sizes of
 * downloads.
 */
const webLlmDownload = ({ id, parameters }: WebLlmModel): number =>
  Math.round((parameters * 1e6 * (4 + (needsF16(id) ? 16 : 32) / 32)) / 8);

interface OnnxModel {
  readonly id: string;
  readonly name: string;
  /** Megabytes of onnx/model_q4f16.onnx and onnx/model_q4.onnx, as the repository lists them. */
  readonly q4f16: number | undefined;
  readonly q4: number | undefined;
  /** `max_position_embeddings`; memory runs out long before. */
  readonly context: number;
  readonly licence: string;
}

/** Repositories of the Hugging Face Hub; their newest revision is taken. */
const onnxModels: readonly OnnxModel[] = [
  {
    id: "HuggingFaceTB/SmolLM2-360M-Instruct",
    name: "SmolLM2 360M",
    q4f16: 299,
    q4: 417,
    context: 8192,
    licence: apache,
  },
  {
    id: "onnx-community/Qwen2.5-0.5B-Instruct",
    name: "Qwen2.5 0.5B",
    q4f16: 483,
    q4: 786,
    context: 32_768,
    licence: apache,
  },
  {
    id: "onnx-community/Qwen3-0.6B-ONNX",
    name: "Qwen3 0.6B",
    q4f16: 570,
    q4: undefined,
    context: 40_960,
    licence: apache,
  },
  {
    id: "onnx-community/Llama-3.2-1B-Instruct",
    name: "Llama 3.2 1B",
    q4f16: 1070,
    q4: 1660,
    context: 131_072,
    licence: llama("3.2"),
  },
  {
    id: "onnx-community/Qwen2.5-1.5B-Instruct",
    name: "Qwen2.5 1.5B",
    q4f16: 1220,
    q4: 1790,
    context: 32_768,
    licence: apache,
  },
];

type Runs = ModelChoice["runs"];
const yes = (why: string): Runs => ({ here: true, why });
const no = (why: string): Runs => ({ here: false, why });

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
/** WebLLM itself refuses GPUs that grant smaller buffers. */
const SMALLEST_BUFFER = 2 ** 28;

function webLlmRuns({ id, megabytes, small }: WebLlmModel, device: Device): Runs {
  const memory = megabytes * 1e6;
  if (!device.webgpu) return no("Needs WebGPU, which this browser doesn't offer here.");
  if (needsF16(id) && !device.f16) return no("Needs 16-bit GPU numbers (shader-f16). Choose its 32-bit version.");
  const { maxBufferBytes: buffer, deviceMemoryGB: main } = device;
  if (buffer !== undefined && buffer < SMALLEST_BUFFER) {
    return no(`Needs GPU buffers of ${gigabytes(SMALLEST_BUFFER)}; this GPU grants ${gigabytes(buffer)}.`);
  }
  // Browsers tell 8 or 32 GB for larger machines too, but no model here needs more than 8.
  if (main !== undefined && memory > main * 1e9) {
    return no(`Needs ${gigabytes(memory)} of GPU memory; this device has about ${main} GB in all.`);
  }
  const need = `Needs ${gigabytes(memory)} of GPU memory; a browser doesn't tell how much there is.`;
  return yes(small ? need : `${need} Not for small devices.`);
}

function webLlmChoice(model: WebLlmModel, device: Device): ModelChoice {
  const { id, name, licence } = model;
  return {
    provider: "webllm",
    id,
    name,
    downloadBytes: webLlmDownload(model),
    memoryBytes: Math.round(model.megabytes * 1e6),
    needsF16: needsF16(id),
    context: model.context,
    licence,
    runs: webLlmRuns(model, device),
  };
}

function onnxChoice({ id, name, q4f16, q4, context, licence }: OnnxModel, device: Device): ModelChoice {
  const megabytes = device.webgpu && device.f16 ? q4f16 : q4;
  const where = device.webgpu
    ? "Runs on the GPU."
    : "Runs on the processor, slowly: this browser offers no WebGPU here.";
  return {
    provider: "transformers",
    id,
    name,
    downloadBytes: megabytes === undefined ? undefined : megabytes * 1e6,
    memoryBytes: undefined,
    needsF16: false,
    context,
    licence,
    runs: yes(`${where} Answers are not held to a form.`),
  };
}

function browserRuns(availability: Device["browserModel"]): Runs {
  switch (availability) {
    case "available":
      return yes("The browser has its model ready.");
    case "downloadable":
    case "downloading":
      return yes("The browser downloads its model first, several gigabytes.");
    case "unavailable":
      return no("The browser has a model, but not for this device or language.");
    case undefined:
      return no("This browser has no model of its own that a page may ask (Prompt API).");
    default:
      return availability satisfies never;
  }
}

const sole = { downloadBytes: undefined, memoryBytes: undefined, needsF16: false, context: undefined };

/** All models of a provider; those that this device cannot run say why. An endpoint's are not known before it is asked. */
export function modelsHere(provider: ProviderSettings["provider"], device: Device): readonly ModelChoice[] {
  switch (provider) {
    case "webllm":
      return webLlmModels.map((model) => webLlmChoice(model, device));
    case "transformers":
      return onnxModels.map((model) => onnxChoice(model, device));
    case "browser": {
      const runs = browserRuns(device.browserModel);
      return [
        { provider, id: "browser", name: "The browser's own model", ...sole, licence: "The browser's terms", runs },
      ];
    }
    case "recorded": {
      const runs = yes("Needs nothing: the answers came with the collection.");
      return [{ provider, id: "recorded", name: "Recorded answers", ...sole, licence: "The collection's", runs }];
    }
    case "endpoint":
      return [];
    default:
      return provider satisfies never;
  }
}
