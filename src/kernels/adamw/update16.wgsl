// update.wgsl with both moments as bfloat16 in one word a number, the first in its upper half: half the memory. They are
// rounded stochastically (Gupta et al., arXiv 1502.02551; Zamirai et al., arXiv 2010.06192), as a small change to a moment would otherwise
// be lost: 16 bits of a hash are added below the half that is kept. The weight moves by the moments as they were before
// rounding. The hash is pcg3d (Jarzynski and Olano, 2020) of the number's place, the moment and the step's seed.
//   0 counts                    this step's seed
//   1 rate                      the learning rate
//   2 state                     of gradnorm/final.wgsl
//   3 gradient  (FLOATS)
//   4 weight    (FLOATS)        in and out
//   5 moments   (FLOATS)        in and out

override FLOATS: u32 = 4;
override DECAYED: u32 = 0;
override FIRST: u32 = 0; // place of the first number among all that train
override ONE_MINUS_BETA1: f32 = 0.1;
override ONE_MINUS_BETA2: f32 = 0.001;
override EPSILON: f32 = 1e-8;
override WEIGHT_DECAY: f32 = 0;
const THREADS = 64u;
const LARGEST = 0x7f7fu; // upper half of the largest finite float

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32 }
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

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<uniform> rate: Rate;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> moments: array<u32>;

fn pcg3d(at: vec3u) -> u32 {
  var v = at * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3u(16);
  v.x += v.y * v.z;
  return v.x;
}

// The upper half of `value`, rounded up or down by chance.
fn rounded(value: f32, place: u32, site: u32) -> u32 {
  let bits = bitcast<u32>(value);
  let chance = pcg3d(vec3u(place, 0, counts.seed ^ (site * 0x9e3779b9u))) >> 16;
  let kept = min((bits & 0x7fffffffu) + chance, (LARGEST << 16) | 0xffffu) >> 16;
  return ((bits >> 16) & 0x8000u) | kept;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= FLOATS || state.finite == 0) { return; }
  let before = vec2f(bitcast<f32>(moments[i] & 0xffff0000u), bitcast<f32>(moments[i] << 16));
  let g = gradient[i] * state.scale;
  let m = before.x + ONE_MINUS_BETA1 * (g - before.x);
  let v = before.y + ONE_MINUS_BETA2 * (g * g - before.y);
  let decay = select(0.0, rate.learningRate * WEIGHT_DECAY, i < DECAYED);
  let denominator = sqrt(v) / sqrt(state.correction2) + EPSILON;
  weight[i] -= decay * weight[i] + rate.learningRate / state.correction1 * m / denominator;
  moments[i] = (rounded(m, FIRST + i, 0xffffu) << 16) | rounded(v, FIRST + i, 0xfffeu);
}
