/** A training step in jax-js: loss and gradients of {@link modelOf}, clipping and AdamW, compiled as one program. */
import { present } from "../../src/base/assert.ts";
import type { BertShape } from "../../src/domain/encoder.ts";
import { LEARNING_RATE, settings, type Parameter } from "../work.ts";
import { modelOf, type BatchTensors, type Jax, type Parameters, type Size, type Tensor } from "./jaxModel.ts";

export type State = { weights: Parameters; first: Parameters; second: Parameters };
export type Outcome = { loss: Tensor; norm: Tensor };

/** 1 - βᵗ of both moments: AdamW's bias corrections. */
export type Corrections = { first: Tensor; second: Tensor };

export interface Programs {
  readonly shape: BertShape;
  readonly parameters: readonly Parameter[];
  /** Of the groups of a batch. */
  readonly sizes: readonly Size[];
}

export function programsOf(jax: Jax, { shape, parameters, sizes }: Programs) {
  const { numpy: np, jit, valueAndGrad, tree } = jax;
  const model = modelOf(jax, shape, sizes);
  const [beta1, beta2] = settings.betas;

  function update(state: State, at: Parameter, gradient: Tensor, corrections: Corrections): readonly Tensor[] {
    const [weight, m, v] = [state.weights, state.first, state.second].map((part) => present(part[at.name], at.name));
    const first = present(m, "first")
      .mul(beta1)
      .add(gradient.ref.mul(1 - beta1));
    const second = present(v, "second")
      .mul(beta2)
      .add(gradient.ref.mul(gradient).mul(1 - beta2));
    const root = np.sqrt(second.ref.div(corrections.second.ref)).add(settings.epsilon);
    const move = first.ref.div(corrections.first.ref).div(root);
    const kept = present(weight, "weight").mul(at.decays ? 1 - LEARNING_RATE * settings.weightDecay : 1);
    return [kept.sub(move.mul(LEARNING_RATE)), first, second];
  }

  function step(state: State, batch: BatchTensors, corrections: Corrections): { state: State; outcome: Outcome } {
    const [loss, gradients] = valueAndGrad(model.loss)(tree.ref(state.weights), batch);
    const squares = Object.values(gradients).map((gradient) => gradient.ref.mul(gradient.ref).sum());
    const norm = np.sqrt(squares.reduce((sum, square) => sum.add(square)));
    const scale = np.minimum(np.reciprocal(norm.ref.add(1e-6)).mul(settings.clip), 1);
    const next: State = { weights: {}, first: {}, second: {} };
    for (const at of parameters) {
      const gradient = present(gradients[at.name], at.name).mul(scale.ref);
      const [weight, first, second] = update(state, at, gradient, corrections);
      next.weights[at.name] = present(weight, at.name);
      next.first[at.name] = present(first, at.name);
      next.second[at.name] = present(second, at.name);
    }
    scale.dispose();
    tree.dispose(corrections);
    return { state: next, outcome: { loss, norm } };
  }

  return { step: jit(step), encode: jit(model.encode) };
}
