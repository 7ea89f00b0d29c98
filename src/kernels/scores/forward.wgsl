// score_p = e[query of p] · e[candidate_p]: the cosine of every pair, for unit vectors. One workgroup per query.
//   0 embedding    (S, H)
//   1 queries      (B)        text of each query
//   2 offsets      (B + 1)    into candidates
//   3 candidates   (pairs)    texts
//   4 score        (pairs)    out

override H: u32 = 1;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> embedding: array<f32>;
@group(0) @binding(1) var<storage, read> queries: array<u32>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> candidates: array<u32>;
@group(0) @binding(4) var<storage, read_write> score: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let b = group.x;
  let query = queries[b] * H;
  for (var p = offsets[b] + thread; p < offsets[b + 1]; p += THREADS) {
    let candidate = candidates[p] * H;
    var sum = 0.0;
    for (var c = 0u; c < H; c++) { sum += embedding[query + c] * embedding[candidate + c]; }
    score[p] = sum;
  }
}
