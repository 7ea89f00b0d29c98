// y += x: a residual connection, and in the backward pass the sum of the gradients of its two branches. One thread per element.
//   0 counts      this batch's T
//   1 x  (T, C)
//   2 y  (T, C)   in and out

override C: u32 = 1;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * C) { return; }
  y[i] += x[i];
}
