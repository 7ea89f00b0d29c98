// y = (x - mean) * rstd * weight + bias over each row (Ba, Kiros and Hinton, 2016). One workgroup per token.
//   0 x       (T, H)
//   1 weight  (H)
//   2 bias    (H)
//   3 y       (T, H)  out
//   4 mean    (T)     out, kept for the backward pass
//   5 rstd    (T)     out, kept for the backward pass

override H: u32 = 1;
override EPSILON: f32 = 1e-12;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;

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
  let t = group.x;
  let base = t * H;

  var local = 0.0;
  for (var c = thread; c < H; c += THREADS) { local += x[base + c]; }
  let m = sum(thread, local) / f32(H);

  local = 0.0;
  for (var c = thread; c < H; c += THREADS) {
    let d = x[base + c] - m;
    local += d * d;
  }
  let r = inverseSqrt(sum(thread, local) / f32(H) + EPSILON);

  for (var c = thread; c < H; c += THREADS) { y[base + c] = (x[base + c] - m) * r * weight[c] + bias[c]; }
  if (thread == 0) {
    mean[t] = m;
    rstd[t] = r;
  }
}
