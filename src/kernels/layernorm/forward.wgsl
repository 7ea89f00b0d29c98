// y = (x - mean) * rstd * weight + bias over each row (Ba, Kiros and Hinton, 2016). A workgroup takes four tokens, 16 threads each.
// With BIASED = 0 there is no bias, and nothing is read from binding 3.
//   0 counts          this batch's T
//   1 x       (T, H)
//   2 weight  (H)
//   3 bias    (H)
//   4 y       (T, H)  out
//   5 mean    (T)     out, kept for the backward pass
//   6 rstd    (T)     out, kept for the backward pass

override H: u32 = 1;
override EPSILON: f32 = 1e-12;
override BIASED: u32 = 1;
const LANES = 16u;
const ROWS = 4u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> mean: array<f32>;
@group(0) @binding(6) var<storage, read_write> rstd: array<f32>;

// Each thread adds up all the parts of its row itself: one barrier a sum instead of one a halving.
var<workgroup> sums: array<array<f32, LANES>, ROWS>;
var<workgroup> squares: array<array<f32, LANES>, ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let lane = thread.x;
  let row = thread.y;
  let t = group.x * ROWS + row;
  let base = min(t, counts.T - 1) * H;

  var local = 0.0;
  for (var c = lane; c < H; c += LANES) { local += x[base + c]; }
  sums[row][lane] = local;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += sums[row][i]; }
  let m = total / f32(H);

  local = 0.0;
  for (var c = lane; c < H; c += LANES) {
    let d = x[base + c] - m;
    local += d * d;
  }
  squares[row][lane] = local;
  workgroupBarrier();
  total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += squares[row][i]; }
  let r = inverseSqrt(total / f32(H) + EPSILON);

  if (t >= counts.T) { return; }
  for (var c = lane; c < H; c += LANES) {
    var value = (x[base + c] - m) * r * weight[c];
    if (BIASED == 1) { value += bias[c]; }
    y[base + c] = value;
  }
  if (lane == 0) {
    mean[t] = m;
    rstd[t] = r;
  }
}
