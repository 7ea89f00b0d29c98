// dx = dy · weight. Each thread holds an 8 × 8 tile of dx in registers.
//   0 counts         this batch's T
//   1 weight  (O, I)
//   2 dy      (T, O)
//   3 dx      (T, I)  out

override I: u32 = 1;
override O: u32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * TILE;
  let c = id.x * TILE;
  if (t >= counts.T || c >= I) { return; }

  var row: array<u32, TILE>;
  var column: array<u32, TILE>;
  for (var i = 0u; i < TILE; i++) {
    row[i] = min(t + i, counts.T - 1) * O;
    column[i] = min(c + i, I - 1);
  }

  var acc: array<array<f32, TILE>, TILE>;
  for (var k = 0u; k < O; k++) {
    var w: array<f32, TILE>;
    for (var j = 0u; j < TILE; j++) { w[j] = weight[k * I + column[j]]; }
    for (var i = 0u; i < TILE; i++) {
      let a = dy[row[i] + k];
      for (var j = 0u; j < TILE; j++) { acc[i][j] += a * w[j]; }
    }
  }

  for (var i = 0u; i < min(TILE, counts.T - t); i++) {
    for (var j = 0u; j < min(TILE, I - c); j++) { dx[(t + i) * I + c + j] = acc[i][j]; }
  }
}
