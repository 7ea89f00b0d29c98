// y = x · weightᵀ + bias. Each thread holds an 8 × 8 tile of y in registers; rows and columns past the edge are read again from
// the last one and not written.
//   0 counts         this batch's T
//   1 x       (T, I)
//   2 weight  (O, I)
//   3 bias    (O)
//   4 y       (T, O)  out

override I: u32 = 1;
override O: u32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * TILE;
  let o = id.x * TILE;
  if (t >= counts.T || o >= O) { return; }

  var row: array<u32, TILE>;
  var column: array<u32, TILE>;
  for (var i = 0u; i < TILE; i++) {
    row[i] = min(t + i, counts.T - 1) * I;
    column[i] = min(o + i, O - 1) * I;
  }

  var acc: array<array<f32, TILE>, TILE>;
  for (var k = 0u; k < I; k++) {
    var w: array<f32, TILE>;
    for (var j = 0u; j < TILE; j++) { w[j] = weight[column[j] + k]; }
    for (var i = 0u; i < TILE; i++) {
      let a = x[row[i] + k];
      for (var j = 0u; j < TILE; j++) { acc[i][j] += a * w[j]; }
    }
  }

  for (var i = 0u; i < min(TILE, counts.T - t); i++) {
    for (var j = 0u; j < min(TILE, O - o); j++) { y[(t + i) * O + o + j] = acc[i][j] + bias[o + j]; }
  }
}
