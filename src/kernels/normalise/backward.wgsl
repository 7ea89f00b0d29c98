// dx = (dy - y · (y · dy)) / ‖x‖; where ‖x‖ was clamped to 1e-12 it is a constant and dx = dy / 1e-12. One workgroup per text.
//   0 y     (S, H)
//   1 norm  (S)
//   2 dy    (S, H)
//   3 dx    (S, H)  out

override H: u32 = 1;
const THREADS = 64u;
const SMALLEST = 1e-12;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

var<workgroup> partial: array<f32, THREADS>;

fn sum(thread: u32, value: f32) -> f32 {
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
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = group.x;
  var local = 0.0;
  for (var c = thread; c < H; c += THREADS) { local += y[s * H + c] * dy[s * H + c]; }
  let along = select(sum(thread, local), 0.0, norm[s] < SMALLEST);
  for (var c = thread; c < H; c += THREADS) {
    dx[s * H + c] = (dy[s * H + c] - y[s * H + c] * along) / max(norm[s], SMALLEST);
  }
}
