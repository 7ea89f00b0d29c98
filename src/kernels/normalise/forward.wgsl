// y = x / max(‖x‖, 1e-12) over each row, as torch.nn.functional.normalize. One workgroup per text.
//   0 x     (S, H)
//   1 y     (S, H)  out
//   2 norm  (S)     out, ‖x‖ as it is, kept for the backward pass

override H: u32 = 1;
const THREADS = 64u;
const SMALLEST = 1e-12;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;

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
  for (var c = thread; c < H; c += THREADS) { local += x[s * H + c] * x[s * H + c]; }
  let n = sqrt(sum(thread, local));
  for (var c = thread; c < H; c += THREADS) { y[s * H + c] = x[s * H + c] / max(n, SMALLEST); }
  if (thread == 0) { norm[s] = n; }
}
