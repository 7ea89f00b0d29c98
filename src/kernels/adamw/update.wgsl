// AdamW (Loshchilov and Hutter, 2019), as torch.optim.AdamW, over one piece of the flat arenas, four numbers a thread:
//   g = gradient · scale                     (clipping)
//   m += (1 - β1) · (g - m),  v += (1 - β2) · (g² - v)
//   weight -= rate · WEIGHT_DECAY · weight + rate / correction1 · m / (√v / √correction2 + EPSILON)
// Decay applies to the first DECAYED numbers; one subtraction, so that a decay below half a unit in the last place is not lost
// before the rest of the update is added. Does nothing in a step that is not finite.
//   0 rate                      the learning rate
//   1 state                     of gradnorm/final.wgsl
//   2 gradient  (FLOATS)        as vec4
//   3 weight    (FLOATS)        in and out
//   4 m         (FLOATS)        in and out
//   5 v         (FLOATS)        in and out

override FLOATS: u32 = 4;
override DECAYED: u32 = 0;
override ONE_MINUS_BETA1: f32 = 0.1;
override ONE_MINUS_BETA2: f32 = 0.001;
override EPSILON: f32 = 1e-8;
override WEIGHT_DECAY: f32 = 0;
const THREADS = 64u;

struct Rate { learningRate: f32 }
struct State {
  loss: f32,
  gradNorm: f32,
  scale: f32,
  finite: u32,
  step: u32,
  correction1: f32,
  correction2: f32,
}

@group(0) @binding(0) var<uniform> rate: Rate;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> firstMoment: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> secondMoment: array<vec4f>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= FLOATS / 4 || state.finite == 0) { return; }
  let g = gradient[i] * state.scale;
  let m = firstMoment[i] + ONE_MINUS_BETA1 * (g - firstMoment[i]);
  let v = secondMoment[i] + ONE_MINUS_BETA2 * (g * g - secondMoment[i]);
  let decay = select(0.0, rate.learningRate * WEIGHT_DECAY, i < DECAYED / 4);
  let denominator = sqrt(v) / sqrt(state.correction2) + EPSILON;
  weight[i] -= decay * weight[i] + rate.learningRate / state.correction1 * m / denominator;
  firstMoment[i] = m;
  secondMoment[i] = v;
}
