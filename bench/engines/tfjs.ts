/** TensorFlow.js on its WebGPU backend, eager: BERT in padded groups, differentiated by its tape. */
import { assert, present } from "../../src/base/assert.ts";
import type { StepOutcome } from "../../src/domain/engine.ts";
import type { Multiplier } from "../matmul/matmul.ts";
import { madeUpNumbers } from "../numbers.ts";
import { grouped, layoutName, rowOfText, type Group } from "../padding.ts";
import type { WatchedGpu } from "../watch.ts";
import { parametersOf, type Batch } from "../work.ts";
import type { BenchEngine, Job, Task } from "./engine.ts";
import { offer } from "./navigator.ts";
import { modelOf, update, type BatchTensors, type Tf } from "./tfjsModel.ts";

/** What TensorFlow.js 4.22.0 itself asks of an adapter (its src/base.ts). */
const LIMITS = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const satisfies (keyof GPUSupportedLimits)[];

export async function openTfjs(watch: WatchedGpu): Promise<BenchEngine> {
  offer(watch.gpu);
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-core/dist/register_all_gradients");
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  const adapter = present(await watch.gpu.requestAdapter({ powerPreference: "high-performance" }), "an adapter");
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredLimits });
  const name = "webgpu";
  if (tf.findBackendFactory(name)) tf.removeBackend(name);
  tf.registerBackend(name, () => new WebGPUBackend(device, adapter.info));
  await tf.setBackend(name);
  await tf.ready();
  return {
    name: "tfjs",
    watch,
    pads: true,
    open: (task) => Promise.resolve(openJob(tf, task)),
    multiplier: (size) => Promise.resolve(multiplierOf(tf, size)),
    dispose: () => tf.removeBackend(name),
  };
}

function multiplierOf(tf: Tf, size: number): Multiplier {
  const [a, b] = ["a", "b"].map((name) => tf.tensor2d(madeUpNumbers(name, size * size), [size, size]));
  return {
    async multiply(times) {
      const corner = tf.tidy(() => {
        const products = Array.from({ length: times }, () => tf.matMul(present(a, "a"), present(b, "b")));
        return tf.slice(present(products.at(-1), "a product"), [0, 0], [1, 1]);
      });
      await corner.data();
      corner.dispose();
    },
    dispose: () => tf.dispose([present(a, "a"), present(b, "b")]),
  };
}

function tensorsOf(tf: Tf, batch: Batch, groups: readonly Group[]): BatchTensors {
  const documents = batch.texts.length - batch.queries;
  const positives = new Float32Array(batch.queries * documents);
  for (let b = 0; b < batch.queries; b++) positives[b * documents + 2 * b] = 1;
  return {
    groups: groups.map(({ texts, length, ids, mask, padded }) => ({
      ids: tf.tensor1d(ids, "int32"),
      rows: texts.length,
      length,
      mask: padded ? tf.tensor2d(mask, [texts.length, length]) : undefined,
    })),
    rows: tf.tensor1d(rowOfText(groups), "int32"),
    positives: tf.tensor2d(positives, [batch.queries, documents]),
  };
}

function openJob(tf: Tf, { shape, weights, batches, groups: groupCount }: Task): Job {
  const held = parametersOf(shape, weights).map((parameter) => {
    const size = [...parameter.shape];
    return {
      parameter,
      weight: tf.variable(tf.tensor(parameter.values, size)),
      moments: { first: tf.variable(tf.zeros(size), false), second: tf.variable(tf.zeros(size), false) },
    };
  });
  const variables = new Map(held.map(({ parameter, weight }) => [parameter.name, weight]));
  const model = modelOf(tf, shape, variables);
  const layouts = batches.map((batch) => ({ batch, groups: grouped(batch, groupCount) }));
  let steps = 0;

  function run(i: number) {
    const { batch, groups } = present(layouts[i], `batch ${i}`);
    return tf.tidy(() => {
      const tensors = tensorsOf(tf, batch, groups);
      const { value, grads } = tf.variableGrads(() => model.loss(tensors), [...variables.values()]);
      const gradientOf = (name: string) => present(grads[present(variables.get(name), name).name], name);
      return [value, update(tf, ({ name }) => gradientOf(name), held, ++steps)] as const;
    });
  }

  async function step(i: number): Promise<StepOutcome> {
    const [value, norm] = run(i);
    const [loss = NaN] = await value.data();
    const [gradNorm = NaN] = await norm.data();
    value.dispose();
    norm.dispose();
    return { loss, gradNorm };
  }

  async function encode(i: number): Promise<Float32Array> {
    const { batch, groups } = present(layouts[i], `batch ${i}`);
    const embeddings = tf.tidy(() => model.encode(tensorsOf(tf, batch, groups)));
    const values = await embeddings.data();
    embeddings.dispose();
    assert(values instanceof Float32Array, "float32 vectors");
    return values;
  }

  return {
    layout: layoutName(layouts.map(({ groups }) => groups)),
    step,
    encode,
    async dispose() {
      for (const { weight, moments } of held) tf.dispose([weight, moments.first, moments.second]);
    },
  };
}
