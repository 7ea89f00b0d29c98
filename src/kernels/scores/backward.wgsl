// dembedding[s] = sum over the sides of pairs that text s stands on of their coefficient · e[the other side].
// A pair has two coefficients, as a loss may move its candidate otherwise than its query: 2p for the query's side, 2p + 1 for the
// candidate's. One workgroup per (text, 64 channels); a text in no pair gets zero.
//   0 embedding    (S, H)
//   1 coefficient  (pairs, 2)
//   2 offsets      (S + 1)      into sides and others
//   3 sides        (2 · pairs)  2p or 2p + 1, by text
//   4 others       (2 · pairs)  the text on the other side
//   5 dembedding   (S, H)       out

override H: u32 = 1;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> embedding: array<f32>;
@group(0) @binding(1) var<storage, read> coefficient: array<f32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> sides: array<u32>;
@group(0) @binding(4) var<storage, read> others: array<u32>;
@group(0) @binding(5) var<storage, read_write> dembedding: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = group.x;
  let c = group.y * THREADS + thread;
  if (c >= H) { return; }
  var sum = 0.0;
  for (var k = offsets[s]; k < offsets[s + 1]; k++) { sum += coefficient[sides[k]] * embedding[others[k] * H + c]; }
  dembedding[s * H + c] = sum;
}
