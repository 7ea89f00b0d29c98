// With n = (x - mean) * rstd and g = dy * weight:  dx = rstd * (g - mean(g) - n * mean(g * n)). One workgroup per token.
//   0 x       (T, H)
//   1 mean    (T)
//   2 rstd    (T)
//   3 weight  (H)
//   4 dy      (T, H)
//   5 dx      (T, H)  out

override H: u32 = 1;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

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
  let m = mean[t];
  let r = rstd[t];

  var g = 0.0;
  var gn = 0.0;
  for (var c = thread; c < H; c += THREADS) {
    let d = dy[base + c] * weight[c];
    g += d;
    gn += d * (x[base + c] - m) * r;
  }
  let meanG = sum(thread, g) / f32(H);
  let meanGN = sum(thread, gn) / f32(H);

  for (var c = thread; c < H; c += THREADS) {
    let n = (x[base + c] - m) * r;
    dx[base + c] = r * (dy[base + c] * weight[c] - meanG - n * meanGN);
  }
}
