// The entropy term of CausalNeg (arXiv 2606.01304) of query b over its own negatives, those that were written and those that were
// found. With z = score / TEMPERATURE, p = softmax(z) over both, G the sum of p over the written, p̂ = p / G among these:
//   term_b = -H(p̂) + (G - n)²,  H = -Σ p̂ log p̂,  n = written / (written + found); 0 where none is written.
// Added to the losses, WEIGHT times the mean over the queries that have a written negative. Query and found negatives are
// constants, so that only the candidate's side of a written one gets, on top of what it has:
//   coefficient_p += WEIGHT / queries · p̂_p (log p̂_p + H + 2 (G - n) G (1 - G)) / TEMPERATURE.
// Both are times SHARE. One workgroup per query; B is their number.
//   0 score        (pairs)
//   1 offsets      (B + 1)     into the pairs
//   2 roles        (pairs)
//   3 withWritten  (1)         queries that have a written negative
//   4 loss         (B)         in, out
//   5 coefficient  (pairs, 2)  in, out

override TEMPERATURE: f32 = 1;
override WEIGHT: f32 = 1;
override SHARE: f32 = 1;
const FOUND = 2u;
const WRITTEN = 4u;
const THREADS = 64u;
const LOWEST = -3.0e38;

@group(0) @binding(0) var<storage, read> score: array<f32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> roles: array<u32>;
@group(0) @binding(3) var<storage, read> withWritten: array<u32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> coefficient: array<f32>;

var<workgroup> partial: array<vec4f, THREADS>;

fn highest(thread: u32, value: vec2f) -> vec2f {
  partial[thread] = vec4f(value, 0, 0);
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] = max(partial[thread], partial[thread + stride]); }
    workgroupBarrier();
  }
  let most = partial[0].xy;
  workgroupBarrier();
  return most;
}

fn sum(thread: u32, value: vec4f) -> vec4f {
  partial[thread] = value;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] += partial[thread + stride]; }
    workgroupBarrier();
  }
  let total = partial[0];
  workgroupBarrier();
  return total;
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

  // x of the written, y of the found.
  var most = vec2f(LOWEST);
  for (var p = first + thread; p < end; p += THREADS) {
    let z = score[p] / TEMPERATURE;
    if ((roles[p] & WRITTEN) != 0) { most.x = max(most.x, z); }
    if ((roles[p] & FOUND) != 0) { most.y = max(most.y, z); }
  }
  most = highest(thread, most);

  // How many, and the sums of exp(z - most).
  var sums = vec4f(0);
  for (var p = first + thread; p < end; p += THREADS) {
    let z = score[p] / TEMPERATURE;
    if ((roles[p] & WRITTEN) != 0) { sums += vec4f(1, 0, exp(z - most.x), 0); }
    if ((roles[p] & FOUND) != 0) { sums += vec4f(0, 1, 0, exp(z - most.y)); }
  }
  sums = sum(thread, sums);
  let written = sums.x;
  let logSum = most.x + log(max(sums.z, 1e-30));

  var local = 0.0;
  for (var p = first + thread; p < end; p += THREADS) {
    let logShare = score[p] / TEMPERATURE - logSum;
    if ((roles[p] & WRITTEN) != 0) { local -= exp(logShare) * logShare; }
  }
  let entropy = sum(thread, vec4f(local, 0, 0, 0)).x;

  if (written == 0) { return; }
  // exp stays finite: beyond 80 the share is 0 all the same.
  let found = select(0.0, exp(min(most.y - logSum, 80)) * sums.w, sums.y > 0);
  let share = 1 / (1 + found);
  let excess = share - written / (written + sums.y);
  let scale = WEIGHT / f32(withWritten[0]) * SHARE;
  for (var p = first + thread; p < end; p += THREADS) {
    let logShare = score[p] / TEMPERATURE - logSum;
    if ((roles[p] & WRITTEN) != 0) {
      let d = exp(logShare) * (logShare + entropy + 2 * excess * share * (1 - share)) / TEMPERATURE;
      coefficient[2 * p + 1] += scale * d;
    }
  }
  // The losses are averaged over all B queries.
  if (thread == 0) { loss[b] += scale * f32(groups.x) * (excess * excess - entropy); }
}
