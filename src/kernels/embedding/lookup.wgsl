// x[t] = word[tokenIds[t]]: a token's own vector and nothing else, which a static encoder takes the mean of.
//   0 counts             this batch's T
//   1 word     (V, H)
//   2 tokenIds (T)
//   3 x        (T, H)    out

override H: u32 = 1;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> word: array<f32>;
@group(0) @binding(2) var<storage, read> tokenIds: array<u32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * H) { return; }
  x[i] = word[tokenIds[i / H] * H + i % H];
}
