// LambdaRank as ADORE has it (Zhan and others, 2021, arXiv 2104.08051) of query b over its n negatives, the positive first, with
// z = score / TEMPERATURE, r the ranks among the candidates (of equal scores the earlier ranks higher) and 1/r taken as 0 beyond DEPTH:
//   loss_b = 1/n Σ_p w_p log(1 + exp(z_p - z_0)),  w_p = |1/r_0 - 1/r_p|, a constant;
//   coefficient_p = w_p σ(z_p - z_0) / (n · TEMPERATURE · B),  coefficient_0 = the others' sum less than 0; without a negative 0.
// Both are times SHARE, and the loss is added to what is there if ADDS. One workgroup per query; B is their number. A rank is
// counted by walking the list: n² reads a query.
//   0 score        (pairs)
//   1 offsets      (B + 1)     into the pairs
//   2 loss         (B)         out
//   3 coefficient  (pairs, 2)  out

override TEMPERATURE: f32 = 1;
override SHARE: f32 = 1;
override ADDS: bool = false;
const DEPTH = 200u; // DRhard: adore/train.py, metric_cut
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> score: array<f32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> coefficient: array<f32>;

var<workgroup> partial: array<vec2f, THREADS>;

fn reciprocalRank(p: u32, first: u32, end: u32) -> f32 {
  let own = score[p];
  var above = 0u;
  for (var k = first; k < end; k++) {
    if (score[k] > own || (score[k] == own && k < p)) { above++; }
  }
  return select(0.0, 1.0 / f32(above + 1), above < DEPTH);
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
  let n = f32(max(end - first, 2) - 1);
  let positive = reciprocalRank(first, first, end);

  var local = vec2f(0);
  for (var p = first + 1 + thread; p < end; p += THREADS) {
    let weight = abs(positive - reciprocalRank(p, first, end)) / n;
    let behind = (score[p] - score[first]) / TEMPERATURE;
    let small = exp(-abs(behind));
    let sigmoid = select(small, 1.0, behind >= 0) / (1 + small);
    let d = weight * sigmoid / (TEMPERATURE * f32(groups.x)) * SHARE;
    coefficient[2 * p] = d;
    coefficient[2 * p + 1] = d;
    local += vec2f(weight * (max(behind, 0) + log(1 + small)), d);
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
    loss[b] = select(0.0, loss[b], ADDS) + sums.x * SHARE;
  }
}
