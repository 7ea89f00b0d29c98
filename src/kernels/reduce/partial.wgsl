// partial[p] = sum of part p's share of the rows of x: the first of the two stages of a sum over tokens. One thread per (column,
// part); a part without rows writes zero.
//   0 counts                 this batch's T
//   1 x        (T, C)
//   2 partial  (PARTS, C)    out

override C: u32 = 1;
override PARTS: u32 = 1;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  let part = id.y;
  if (c >= C) { return; }
  let share = (counts.T + PARTS - 1) / PARTS;
  var sum = 0.0;
  for (var t = part * share; t < min((part + 1) * share, counts.T); t++) { sum += x[t * C + c]; }
  partial[part * C + c] = sum;
}
