// y = x[first W] / max(‖x[first W]‖, 1e-12) of each row: Matryoshka's shorter vector at unit length. One workgroup per text.
//   0 x     (S, H)
//   1 y     (S, W)  out
//   2 norm  (S)     out, ‖x[first W]‖ as it is, kept for the backward pass

override H: u32 = 1;
override W: u32 = 1;
const THREADS = 64u;
const SMALLEST = 1e-12;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = group.x;
  var local = 0.0;
  for (var c = thread; c < W; c += THREADS) { local += x[s * H + c] * x[s * H + c]; }
  partial[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] += partial[thread + stride]; }
    workgroupBarrier();
  }
  let n = sqrt(partial[0]);
  for (var c = thread; c < W; c += THREADS) { y[s * W + c] = x[s * H + c] / max(n, SMALLEST); }
  if (thread == 0) { norm[s] = n; }
}
