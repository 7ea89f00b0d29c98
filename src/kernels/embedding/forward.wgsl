// x[t] = word[tokenIds[t]] + position[positions[t]] + type[0]: the sum that a BERT encoder starts from. With TYPES = 0 there are no
// token types, and nothing is read from binding 3.
//   0 counts              this batch's T
//   1 word      (V, H)
//   2 position  (P, H)
//   3 type      (types, H)  row 0 alone is used
//   4 tokenIds  (T)
//   5 positions (T)       row of the token's place in its text
//   6 x         (T, H)    out

override H: u32 = 1;
override TYPES: u32 = 1;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> word: array<f32>;
@group(0) @binding(2) var<storage, read> position: array<f32>;
@group(0) @binding(3) var<storage, read> types: array<f32>;
@group(0) @binding(4) var<storage, read> tokenIds: array<u32>;
@group(0) @binding(5) var<storage, read> positions: array<u32>;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * H) { return; }
  let t = i / H;
  let c = i % H;
  var sum = word[tokenIds[t] * H + c] + position[positions[t] * H + c];
  if (TYPES > 0) { sum += types[c]; }
  x[i] = sum;
}
