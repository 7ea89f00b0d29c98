// dx[first W] = (dy - y · (y · dy)) / ‖x[first W]‖, where that was clamped dy / 1e-12; the rest of dx is 0. Added to what is there if
// ADDS. One workgroup per text.
//   0 y     (S, W)
//   1 norm  (S)
//   2 dy    (S, W)
//   3 dx    (S, H)  out

override H: u32 = 1;
override W: u32 = 1;
override ADDS: bool = false;
const THREADS = 64u;
const SMALLEST = 1e-12;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = group.x;
  var local = 0.0;
  for (var c = thread; c < W; c += THREADS) { local += y[s * W + c] * dy[s * W + c]; }
  partial[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { partial[thread] += partial[thread + stride]; }
    workgroupBarrier();
  }
  let along = select(partial[0], 0.0, norm[s] < SMALLEST);
  for (var c = thread; c < H; c += THREADS) {
    var d = 0.0;
    if (c < W) { d = (dy[s * W + c] - y[s * W + c] * along) / max(norm[s], SMALLEST); }
    dx[s * H + c] = select(0.0, dx[s * H + c], ADDS) + d;
  }
}
