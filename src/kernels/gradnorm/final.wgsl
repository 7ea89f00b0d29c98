// Closes a step's sums and decides what the update does with them. The gradient is a sum over the step's batches and stands for
// their mean, as the sum of losses in `loss` does:
//   loss = loss / batches, gradNorm = √(sum of partial) / batches,
//   scale = min(1, CLIP / (gradNorm + 1e-6)) / batches, as torch.nn.utils.clip_grad_norm_ does.
// A loss or norm that is not finite clears `finite`, and then neither the weights nor the count of steps move. Adam's bias
// corrections 1 - βⁿ come from the count by binary powers, free of cancellation: they depend on nothing else, so that a run that
// was resumed goes on with the same bits. One workgroup.
//   0 counts                this step's batches
//   1 partial  (PARTIALS)
//   2 state                 in: step and the sum of losses, out: all

override PARTIALS: u32 = 1;
override CLIP: f32 = -1; // below 0: none
override ONE_MINUS_BETA1: f32 = 0.1;
override ONE_MINUS_BETA2: f32 = 0.001;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32, batch: u32, batches: u32 }
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
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: State;

var<workgroup> sums: array<f32, THREADS>;

// By the exponent's bits: a compiler may assume that no float is infinite or NaN (WGSL, 15.7.2).
fn isFinite(value: f32) -> bool { return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u; }

// 1 - (1 - delta)^n. With c = 1 - βⁿ: twice n gives c · (2 - c), one more gives c + delta · (1 - c).
fn correction(delta: f32, n: u32) -> f32 {
  var c = 0.0;
  for (var bit = 32u - countLeadingZeros(n); bit > 0; bit--) {
    c = c * (2.0 - c);
    if (((n >> (bit - 1)) & 1) == 1) { c += delta * (1.0 - c); }
  }
  return c;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  var local = 0.0;
  for (var i = thread; i < PARTIALS; i += THREADS) { local += partial[i]; }
  sums[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { sums[thread] += sums[thread + stride]; }
    workgroupBarrier();
  }

  if (thread != 0) { return; }
  let batches = f32(counts.batches);
  let loss = state.loss / batches;
  let gradNorm = sqrt(sums[0]) / batches;
  let finite = isFinite(loss) && isFinite(gradNorm);
  let step = state.step + select(0u, 1u, finite);
  state.loss = loss;
  state.gradNorm = gradNorm;
  state.scale = select(1.0, min(1.0, CLIP / (gradNorm + 1e-6)), CLIP >= 0) / batches;
  state.finite = select(0u, 1u, finite);
  state.step = step;
  state.correction1 = correction(ONE_MINUS_BETA1, step);
  state.correction2 = correction(ONE_MINUS_BETA2, step);
}
