// y = sum over p of partial[p], in the order of the parts: the second stage of every two-stage sum. With ADDS = 1 it is added to y. One
// thread per column.
//   0 partial  (PARTS, C)
//   1 y        (C)         out, with ADDS = 1 in and out

override C: u32 = 1;
override PARTS: u32 = 1;
override ADDS: u32 = 0;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.y * groups.x * THREADS + id.x;
  if (c >= C) { return; }
  var sum = 0.0;
  for (var p = 0u; p < PARTS; p++) { sum += partial[p * C + c]; }
  if (ADDS == 1) { sum += y[c]; }
  y[c] = sum;
}
