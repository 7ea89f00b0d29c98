// dembedding[s] = sum over the pairs (query, candidate) that text s stands in, on either side, of coefficient · e[the other side].
// One workgroup per (text, 64 channels); a text in no pair gets zero.
//   0 embedding    (S, H)
//   1 coefficient  (pairs)
//   2 offsets      (S + 1)      into pairs and others
//   3 pairs        (2 · pairs)  pairs that touch each text
//   4 others       (2 · pairs)  the text on the other side
//   5 dembedding   (S, H)       out

override H: u32 = 1;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> embedding: array<f32>;
@group(0) @binding(1) var<storage, read> coefficient: array<f32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> pairs: array<u32>;
@group(0) @binding(4) var<storage, read> others: array<u32>;
@group(0) @binding(5) var<storage, read_write> dembedding: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = group.x;
  let c = group.y * THREADS + thread;
  if (c >= H) { return; }
  var sum = 0.0;
  for (var k = offsets[s]; k < offsets[s + 1]; k++) { sum += coefficient[pairs[k]] * embedding[others[k] * H + c]; }
  dembedding[s * H + c] = sum;
}
