// dweight = sum over t of dy * (x - mean) * rstd, dbias = sum over t of dy: the first of two stages. Part p sums its share of the
// tokens; backward.sum.wgsl or reduce/final.wgsl adds the parts. One thread per (channel, part).
//   0 counts                  this batch's T
//   1 x        (T, H)
//   2 mean     (T)
//   3 rstd     (T)
//   4 dy       (T, H)
//   5 dweight  (PARTS, H)     out
//   6 dbias    (PARTS, H)     out

override H: u32 = 1;
override PARTS: u32 = 1;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(6) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  let part = id.y;
  if (c >= H) { return; }
  let share = (counts.T + PARTS - 1) / PARTS;
  var w = 0.0;
  var b = 0.0;
  for (var t = part * share; t < min((part + 1) * share, counts.T); t++) {
    let d = dy[t * H + c];
    w += d * (x[t * H + c] - mean[t]) * rstd[t];
    b += d;
  }
  dweight[part * H + c] = w;
  dbias[part * H + c] = b;
}
