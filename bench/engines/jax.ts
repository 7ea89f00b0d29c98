/** jax-js on its WebGPU device: BERT in padded groups, differentiated and compiled by jax-js itself. */
import { present } from "../../src/base/assert.ts";
import type { StepOutcome } from "../../src/domain/engine.ts";
import type { Multiplier } from "../matmul/matmul.ts";
import { madeUpNumbers } from "../numbers.ts";
import { settings, parametersOf, type Batch } from "../work.ts";
import { grouped, layoutName, rowOfText, type Group } from "../padding.ts";
import { watched, type WatchedGpu } from "../watch.ts";
import { type BenchEngine, type Job, type Task } from "./engine.ts";
import { offer } from "./navigator.ts";
import type { BatchTensors, Jax, Parameters, Tensor } from "./jaxModel.ts";
import { programsOf, type State } from "./jaxStep.ts";

interface Loaded {
  readonly jax: Jax;
  readonly watch: WatchedGpu;
}

// jax-js keeps its device for the life of the page or process.
let loaded: Promise<Loaded> | undefined;

async function load(gpu: GPU): Promise<Loaded> {
  const watch = watched(gpu);
  offer(watch.gpu);
  const jax = await import("@jax-js/jax");
  if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("jax-js found no WebGPU device");
  jax.defaultDevice("webgpu");
  return { jax, watch };
}

export async function openJax(gpu: GPU): Promise<BenchEngine> {
  const { jax, watch } = await (loaded ??= load(gpu));
  return {
    name: "jax-js",
    watch,
    pads: true,
    open: (task) => Promise.resolve(openJob(jax, task)),
    multiplier: (size) => Promise.resolve(multiplierOf(jax, size)),
    dispose: () => undefined,
  };
}

function multiplierOf(jax: Jax, size: number): Multiplier {
  const { numpy: np } = jax;
  const [a, b] = ["a", "b"].map((name) => np.array(madeUpNumbers(name, size * size), { shape: [size, size] }));
  const product = jax.jit((a: Tensor, b: Tensor) => np.matmul(a, b));
  return {
    async multiply(times) {
      const products = Array.from({ length: times }, () => product(present(a, "a").ref, present(b, "b").ref));
      await jax.blockUntilReady(products);
      jax.tree.dispose(products);
    },
    dispose() {
      jax.tree.dispose([present(a, "a"), present(b, "b")]);
      product.dispose();
    },
  };
}

function tensorsOf({ numpy: np }: Jax, batch: Batch, groups: readonly Group[]): BatchTensors {
  const documents = batch.texts.length - batch.queries;
  const positives = new Float32Array(batch.queries * documents);
  for (let b = 0; b < batch.queries; b++) positives[b * documents + 2 * b] = 1;
  return {
    groups: groups.map(({ texts, length, ids, mask, padded }) => {
      const shape = [texts.length, length];
      return { ids: np.array(ids), mask: padded ? [np.array(mask, { shape })] : [] };
    }),
    rows: np.array(rowOfText(groups)),
    positives: np.array(positives, { shape: [batch.queries, documents] }),
  };
}

async function numberOf(tensor: Tensor): Promise<number> {
  const [value = NaN] = await tensor.data();
  return value;
}

function openJob(jax: Jax, { shape, weights, batches, groups: groupCount }: Task): Job {
  const { numpy: np, tree } = jax;
  const parameters = parametersOf(shape, weights);
  const held = (values: (name: string, shape: number[]) => Tensor): Parameters =>
    Object.fromEntries(parameters.map(({ name, shape }) => [name, values(name, [...shape])]));
  const zeros = () => held((_, shape) => np.zeros(shape));
  const values = new Map(parameters.map(({ name, values }) => [name, values]));
  let state: State = {
    weights: held((name, shape) => np.array(present(values.get(name), name), { shape })),
    first: zeros(),
    second: zeros(),
  };
  const layouts = batches.map((batch) => {
    const groups = grouped(batch, groupCount);
    const sizes = groups.map(({ texts, length }) => [texts.length, length] as const);
    return { batch, groups, programs: programsOf(jax, { shape, parameters, sizes }) };
  });
  let steps = 0;
  const [beta1, beta2] = settings.betas;

  async function step(i: number): Promise<StepOutcome> {
    const { batch, groups, programs } = present(layouts[i], `batch ${i}`);
    steps++;
    const corrections = { first: np.array(1 - beta1 ** steps), second: np.array(1 - beta2 ** steps) };
    const next = programs.step(state, tensorsOf(jax, batch, groups), corrections);
    state = next.state;
    const { loss, norm } = next.outcome;
    return { loss: await numberOf(loss), gradNorm: await numberOf(norm) };
  }

  async function encode(i: number): Promise<Float32Array> {
    const { batch, groups, programs } = present(layouts[i], `batch ${i}`);
    const { positives, ...texts } = tensorsOf(jax, batch, groups);
    positives.dispose();
    const embeddings = await programs.encode(tree.ref(state.weights), texts).data();
    return Float32Array.from(embeddings);
  }

  return {
    layout: layoutName(layouts.map(({ groups }) => groups)),
    step,
    encode,
    async dispose() {
      tree.dispose(state);
      for (const { programs } of layouts) {
        programs.step.dispose();
        programs.encode.dispose();
      }
    },
  };
}
