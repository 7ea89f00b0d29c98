// weight += SCALE · b · a: what LoRA learned becomes part of the matrix (Hu et al., arXiv 2106.09685, 4.1). One thread per element, the
// products summed before they are added, as they are small beside the weight.
//   0 a       (RANK, I)
//   1 b       (O, RANK)
//   2 weight  (O, I)     in and out

override I: u32 = 1;
override O: u32 = 1;
override RANK: u32 = 1;
override SCALE: f32 = 1;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> weight: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * THREADS + id.x;
  if (at >= O * I) { return; }
  var sum = 0.0;
  for (var r = 0u; r < RANK; r++) { sum += b[at / I * RANK + r] * a[r * I + at % I]; }
  weight[at] += SCALE * sum;
}
