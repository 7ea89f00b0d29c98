// bias[n, d] = table[buckets[d], n]: a head's bias on the scores by distance, spelt out for the attention kernels. One thread per
// element.
//   0 table    (BUCKETS, N)
//   1 buckets  (2 · REACH - 1)     entry of the table for distances 1 - REACH to REACH - 1
//   2 bias     (N, 2 · REACH - 1)  out

override N: u32 = 1;
override REACH: u32 = 1;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> buckets: array<u32>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  let distances = 2 * REACH - 1;
  if (i >= N * distances) { return; }
  bias[i] = table[buckets[i % distances] * N + i / distances];
}
