// dweight and dbias = the sums over p of what backward.weight.wgsl left of each, in the order of the parts; with ADDS = 1 added to
// what is there. One thread per channel.
//   0 weights  (PARTS, H)
//   1 biases   (PARTS, H)
//   2 dweight  (H)         out, with ADDS = 1 in and out
//   3 dbias    (H)         out, with ADDS = 1 in and out

override H: u32 = 1;
override PARTS: u32 = 1;
override ADDS: u32 = 0;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> biases: array<f32>;
@group(0) @binding(2) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(3) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= H) { return; }
  var sums = vec2f();
  for (var p = 0u; p < PARTS; p++) { sums += vec2f(weights[p * H + c], biases[p * H + c]); }
  if (ADDS == 1) { sums += vec2f(dweight[c], dbias[c]); }
  dweight[c] = sums.x;
  dbias[c] = sums.y;
}
