// InfoNCE (van den Oord, Li and Vinyals, 2018) of query b over its own list of candidates, the positive first:
//   score_p = e[query] · e[candidate_p] / TEMPERATURE,  loss_b = log Σ exp(score) - score_0.
// It also leaves what the backward pass needs, the derivative of the mean loss by each dot product:
//   coefficient_p = (softmax(score)_p - [p is the positive]) / (TEMPERATURE · B).
// One workgroup per query. B is the number of workgroups.
//   0 embedding    (S, H)
//   1 queries      (B)        text of each query
//   2 offsets      (B + 1)    into candidates
//   3 candidates   (pairs)    texts
//   4 loss         (B)        out
//   5 coefficient  (pairs)    out

override H: u32 = 1;
override TEMPERATURE: f32 = 1;
const THREADS = 64u;
const LOWEST = -3.0e38;

@group(0) @binding(0) var<storage, read> embedding: array<f32>;
@group(0) @binding(1) var<storage, read> queries: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> candidates: array<u32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> coefficient: array<f32>;

var<workgroup> partial: array<f32, THREADS>;

fn dotProduct(a: u32, b: u32) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < H; c++) { sum += embedding[a * H + c] * embedding[b * H + c]; }
  return sum;
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
  var positive = 0.0;
  for (var p = first + thread; p < end; p += THREADS) {
    let score = dotProduct(queries[b], candidates[p]) / TEMPERATURE;
    coefficient[p] = score;
    highest = max(highest, score);
    if (p == first) { positive = score; }
  }
  partial[thread] = highest;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] = max(partial[thread], partial[thread + stride]); }
    workgroupBarrier();
  }
  highest = partial[0];
  workgroupBarrier();

  var local = 0.0;
  for (var p = first + thread; p < end; p += THREADS) { local += exp(coefficient[p] - highest); }
  partial[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] += partial[thread + stride]; }
    workgroupBarrier();
  }
  let total = partial[0];

  for (var p = first + thread; p < end; p += THREADS) {
    let probability = exp(coefficient[p] - highest) / total;
    coefficient[p] = (probability - select(0.0, 1.0, p == first)) / (TEMPERATURE * f32(groups.x));
  }
  if (thread == 0) { loss[b] = log(total) + (highest - positive); }
}
