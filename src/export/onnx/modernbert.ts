/** ModernBERT as a graph (Warner et al., 2024): pre-LayerNorm, rotary positions, windows, GeGLU, no biases. */
import type { ModernBertShape } from "../../domain/encoder.ts";
import { anglesOf, isGlobal } from "../../encoder/rotary.ts";
import type { Builder, Name } from "./builder.ts";
import { attention, distances, gelu, linear, lookUpWords, norm, places, visibleKeys } from "./layers.ts";
import { computed } from "./weights.ts";

/** (S, D/2) each: the cosines and the sines of the places' angles, which are kept for every place that there is. */
function angles(b: Builder, { hidden, heads, positions }: ModernBertShape, theta: number, at: Name) {
  const D = hidden / heads;
  const half = D / 2;
  const table = (part: "cos" | "sin"): Name =>
    b.initializer(`${part} of theta ${theta}`, b.number, [positions, half], () =>
      computed(positions * half, () => halfOf(anglesOf(positions, D, theta), D, part), b.number),
    );
  const rows = (part: "cos" | "sin") => b.node("Gather", [table(part), at], { axis: 0 });
  return { cos: rows("cos"), sin: rows("sin") };
}

/** The first or the second half of each row of D. */
function halfOf(values: Float32Array, D: number, part: "cos" | "sin"): Float32Array<ArrayBuffer> {
  const half = D / 2;
  const from = part === "cos" ? 0 : half;
  return Float32Array.from(
    { length: values.length / 2 },
    (_, i) => values[Math.floor(i / half) * D + from + (i % half)] ?? 0,
  );
}

/** x (B, N, S, D): its channels c and c + D/2 turned by the angle of the place. */
function turned(b: Builder, x: Name, { cos, sin }: { readonly cos: Name; readonly sin: Name }): Name {
  const [first = "", second = ""] = b.nodes(2, "Split", [x], { axis: -1 });
  const times = (x: Name, y: Name) => b.node("Mul", [x, y]);
  const left = b.node("Sub", [times(first, cos), times(second, sin)]);
  const right = b.node("Add", [times(second, cos), times(first, sin)]);
  return b.node("Concat", [left, right], { axis: -1 });
}

/** gelu(first half) · second half */
function gated(b: Builder, x: Name): Name {
  const [inner = "", gate = ""] = b.nodes(2, "Split", [x], { axis: -1 });
  return b.node("Mul", [gelu(b, inner), gate]);
}

/** (B, S, H) */
export function modernBertGraph(b: Builder, shape: ModernBertShape, { ids, mask }: { ids: Name; mask: Name }): Name {
  const { layers, hidden, heads, window, globalTheta, localTheta, layerNormEpsilon: epsilon } = shape;
  const none = { bias: false, epsilon };
  const at = places(b, ids);
  const all = visibleKeys(b, mask);
  const far = b.node("Abs", [distances(b, at)]);
  const near = b.node("And", [all, b.node("LessOrEqual", [far, b.integers(window)])]);
  const turns = { far: angles(b, shape, globalTheta, at), near: angles(b, shape, localTheta, at) };
  let x = norm(b, lookUpWords(b, "embeddings.word", ids), "embeddings.norm", none);
  for (let i = 0; i < layers; i++) {
    const whole = isGlobal(shape, i);
    const seen = i > 0 ? norm(b, x, `layer.${i}.attention.norm`, none) : x;
    const context = attention(b, {
      qkv: linear(b, seen, `layer.${i}.attention.qkv`, none),
      heads,
      hidden,
      visible: whole ? all : near,
      turn: (part) => turned(b, part, turns[whole ? "far" : "near"]),
    });
    x = b.node("Add", [x, linear(b, context, `layer.${i}.attention.output`, none)]);
    const inner = linear(b, norm(b, x, `layer.${i}.intermediate.norm`, none), `layer.${i}.intermediate`, none);
    x = b.node("Add", [x, linear(b, gated(b, inner), `layer.${i}.output`, none)]);
  }
  return norm(b, x, "final.norm", none);
}
