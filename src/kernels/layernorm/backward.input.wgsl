// With n = (x - mean) * rstd and g = dy * weight:  dx = rstd * (g - mean(g) - n * mean(g * n)), with ADDS = 1 plus dx as it was.
// Threads as in forward.wgsl.
//   0 counts          this batch's T
//   1 x       (T, H)
//   2 mean    (T)
//   3 rstd    (T)
//   4 weight  (H)
//   5 dy      (T, H)
//   6 dx      (T, H)  out, with ADDS = 1 in and out

override H: u32 = 1;
override ADDS: u32 = 0;
const LANES = 16u;
const ROWS = 4u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

// Of g and of g * n.
var<workgroup> sums: array<array<vec2f, LANES>, ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let lane = thread.x;
  let row = thread.y;
  let t = group.x * ROWS + row;
  let clamped = min(t, counts.T - 1);
  let base = clamped * H;
  let m = mean[clamped];
  let r = rstd[clamped];

  var local = vec2f();
  for (var c = lane; c < H; c += LANES) {
    let g = dy[base + c] * weight[c];
    local += vec2f(g, g * (x[base + c] - m) * r);
  }
  sums[row][lane] = local;
  workgroupBarrier();
  var means = vec2f();
  for (var i = 0u; i < LANES; i++) { means += sums[row][i]; }
  means /= f32(H);

  if (t >= counts.T) { return; }
  for (var c = lane; c < H; c += LANES) {
    let n = (x[base + c] - m) * r;
    var value = r * (dy[base + c] * weight[c] - means.x - n * means.y);
    if (ADDS == 1) { value += dx[base + c]; }
    dx[base + c] = value;
  }
}
