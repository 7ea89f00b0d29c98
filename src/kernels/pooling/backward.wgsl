// dx[t] = dpooled[s] / (tokens of s), s the text of token t; with FIRST_ONLY dpooled[s] at the first token of s and 0 elsewhere.
// One thread per element.
//   0 counts               this batch's T
//   1 cuSeqlens  (S + 1)
//   2 textOf     (T)       the text of each token
//   3 dpooled    (S, H)
//   4 dx         (T, H)    out

override H: u32 = 1;
override FIRST_ONLY: bool = false;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> cuSeqlens: array<u32>;
@group(0) @binding(2) var<storage, read> textOf: array<u32>;
@group(0) @binding(3) var<storage, read> dpooled: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * H) { return; }
  let t = i / H;
  let s = textOf[t];
  let first = cuSeqlens[s];
  let count = select(cuSeqlens[s + 1] - first, 1u, FIRST_ONLY);
  dx[i] = select(0.0, dpooled[s * H + i % H] / f32(count), t - first < count);
}
