// dtable[ids[u]] = sum over the tokens t that read row ids[u] of dx[t]. Tokens come sorted by row (compressed sparse rows), so
// that each row is summed by one workgroup, in one order: no atomics. Rows that no token reads are not written.
// With ADDS = 1 the sum is added to the row. After encoder.cuh of karpathy/llm.c. One workgroup per (distinct row, 64 channels).
//   0 ids      (U)      distinct rows
//   1 offsets  (U + 1)
//   2 order    (T)      tokens, by row
//   3 dx       (T, H)
//   4 dtable   (V, H)   out, with ADDS = 1 in and out

override H: u32 = 1;
override ADDS: u32 = 0;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> dx: array<f32>;
@group(0) @binding(4) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let c = group.y * THREADS + thread;
  if (c >= H) { return; }
  var sum = 0.0;
  for (var k = offsets[group.x]; k < offsets[group.x + 1]; k++) { sum += dx[order[k] * H + c]; }
  let at = ids[group.x] * H + c;
  if (ADDS == 1) { sum += dtable[at]; }
  dtable[at] = sum;
}
