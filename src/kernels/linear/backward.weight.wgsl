// dweight = dyᵀ · x, the first of two stages: part p sums its share of the tokens (a matrix of weights has too few tiles to fill a
// GPU); reduce/final.wgsl adds the parts. Each thread holds an 8 × 8 tile in registers; z is the part.
//   0 counts                 this batch's T
//   1 x        (T, I)
//   2 dy       (T, O)
//   3 dweight  (PARTS, O, I)  out

override I: u32 = 1;
override O: u32 = 1;
override PARTS: u32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<f32>;

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.y * TILE;
  let c = id.x * TILE;
  let part = id.z;
  if (o >= O || c >= I) { return; }

  var row: array<u32, TILE>;
  var column: array<u32, TILE>;
  for (var i = 0u; i < TILE; i++) {
    row[i] = min(o + i, O - 1);
    column[i] = min(c + i, I - 1);
  }

  let share = (counts.T + PARTS - 1) / PARTS;
  var acc: array<array<f32, TILE>, TILE>;
  for (var t = part * share; t < min((part + 1) * share, counts.T); t++) {
    var b: array<f32, TILE>;
    for (var j = 0u; j < TILE; j++) { b[j] = x[t * I + column[j]]; }
    for (var i = 0u; i < TILE; i++) {
      let a = dy[t * O + row[i]];
      for (var j = 0u; j < TILE; j++) { acc[i][j] += a * b[j]; }
    }
  }

  for (var i = 0u; i < min(TILE, O - o); i++) {
    for (var j = 0u; j < min(TILE, I - c); j++) { dweight[(part * O + o + i) * I + c + j] = acc[i][j]; }
  }
}
