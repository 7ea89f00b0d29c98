// delta = sum over the channels of a head of dcontext · context, which both other backward kernels need (Dao, FlashAttention-2,
// 2023, algorithm 2). One thread per (token, head).
//   0 counts              this batch's T
//   1 context   (T, H)
//   2 dcontext  (T, H)
//   3 delta     (T, N)    out

override H: u32 = 8;
override D: u32 = 8;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> context: array<f32>;
@group(0) @binding(2) var<storage, read> dcontext: array<f32>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * (H / D)) { return; }
  var sum = 0.0;
  for (var c = i * D; c < (i + 1) * D; c++) { sum += context[c] * dcontext[c]; }
  delta[i] = sum;
}
