// InfoNCE (van den Oord, Li and Vinyals, 2018) of query b over its own list of candidates, the positive first:
//   z_p = score_p / TEMPERATURE, and for hardened candidates + HARDNESS · score_p, taken for a constant (arXiv 2503.04812, eq. 5);
//   loss_b = log Σ exp(z) - z_0.
// It also leaves the derivative of the mean loss by each score, the same for both sides of the pair:
//   coefficient_p = (softmax(z)_p - [p is the positive]) / (TEMPERATURE · B).
// Both are times SHARE, and the loss is added to what is there if ADDS. One workgroup per query; B is their number.
//   0 score        (pairs)
//   1 offsets      (B + 1)     into the pairs
//   2 roles        (pairs)     read where HARDNESS is not 0
//   3 loss         (B)         out
//   4 coefficient  (pairs, 2)  out

override TEMPERATURE: f32 = 1;
override HARDNESS: f32 = 0;
override SHARE: f32 = 1;
override ADDS: bool = false;
const HARDENED = 1u;
const THREADS = 64u;
const LOWEST = -3.0e38;

@group(0) @binding(0) var<storage, read> score: array<f32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> roles: array<u32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> coefficient: array<f32>;

var<workgroup> partial: array<f32, THREADS>;

fn logit(p: u32) -> f32 {
  let z = score[p] / TEMPERATURE;
  if (HARDNESS != 0 && (roles[p] & HARDENED) != 0) { return z + HARDNESS * score[p]; }
  return z;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let b = group.x;
  let first = offsets[b];
  let end = offsets[b + 1];

  var highest = LOWEST;
  for (var p = first + thread; p < end; p += THREADS) { highest = max(highest, logit(p)); }
  partial[thread] = highest;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] = max(partial[thread], partial[thread + stride]); }
    workgroupBarrier();
  }
  highest = partial[0];
  workgroupBarrier();

  // The positive apart: where it has nearly all of the softmax, its share less 1 would keep no digit of the others'.
  var local = 0.0;
  for (var p = first + select(thread, THREADS, thread == 0); p < end; p += THREADS) { local += exp(logit(p) - highest); }
  partial[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] += partial[thread + stride]; }
    workgroupBarrier();
  }
  let others = partial[0];
  let positive = exp(logit(first) - highest);
  let total = others + positive;

  for (var p = first + thread; p < end; p += THREADS) {
    let probability = select(exp(logit(p) - highest), -others, p == first) / total;
    let d = probability / (TEMPERATURE * f32(groups.x)) * SHARE;
    coefficient[2 * p] = d;
    coefficient[2 * p + 1] = d;
  }
  if (thread == 0) {
    // log(1 + x) for a small x, which 1 + x would round away.
    let x = others / max(positive, 1e-30);
    let value = select(log(total) + (highest - logit(first)), x * (1 - x * (0.5 - x / 3)), x < 0.01) * SHARE;
    loss[b] = select(0.0, loss[b], ADDS) + value;
  }
}
