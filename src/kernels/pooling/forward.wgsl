// pooled[s] = the mean of x over the tokens of text s, or with FIRST_ONLY its first token ([CLS]). One workgroup per (text, 64
// channels).
//   0 cuSeqlens  (S + 1)
//   1 x          (T, H)
//   2 pooled     (S, H)   out

override H: u32 = 1;
override FIRST_ONLY: bool = false;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> cuSeqlens: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> pooled: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = group.x;
  let c = group.y * THREADS + thread;
  if (c >= H) { return; }
  let first = cuSeqlens[s];
  let count = select(cuSeqlens[s + 1] - first, 1u, FIRST_ONLY);
  var sum = 0.0;
  for (var t = first; t < first + count; t++) { sum += x[t * H + c]; }
  pooled[s * H + c] = sum / f32(count);
}
