// MarginMSE (Hofstätter and others, 2020, arXiv 2010.02666) of query b over its n negatives, the positive first:
//   off_p = (score_0 - score_p) - (target_0 - target_p),  loss_b = 1/n Σ off²,
//   coefficient_p = -2 off_p / (n · B),  coefficient_0 = the others' sum less than 0; without a negative all are 0.
// Both are times SHARE, and the loss is added to what is there if ADDS. One workgroup per query; B is their number.
//   0 score        (pairs)
//   1 offsets      (B + 1)     into the pairs
//   2 targets      (pairs)     the teacher's scores
//   3 loss         (B)         out
//   4 coefficient  (pairs, 2)  out

override SHARE: f32 = 1;
override ADDS: bool = false;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> score: array<f32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> coefficient: array<f32>;

var<workgroup> partial: array<vec2f, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let b = group.x;
  let first = offsets[b];
  let end = offsets[b + 1];
  let n = f32(max(end - first, 2) - 1);

  var local = vec2f(0);
  for (var p = first + 1 + thread; p < end; p += THREADS) {
    let off = (score[first] - score[p]) - (targets[first] - targets[p]);
    let d = -2 * off / (n * f32(groups.x)) * SHARE;
    coefficient[2 * p] = d;
    coefficient[2 * p + 1] = d;
    local += vec2f(off * off, d);
  }
  partial[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] += partial[thread + stride]; }
    workgroupBarrier();
  }
  if (thread == 0) {
    let sums = partial[0];
    coefficient[2 * first] = -sums.y;
    coefficient[2 * first + 1] = -sums.y;
    loss[b] = select(0.0, loss[b], ADDS) + sums.x / n * SHARE;
  }
}
