// dtable = sum over the blocks of partial, in their order, as attention/backward.bias.wgsl left it; with ADDS = 1 added to dtable. One thread per
// element.
//   0 counts                         this batch's number of blocks
//   1 partial  (blocks, BUCKETS, N)
//   2 dtable   (BUCKETS, N)          out, with ADDS = 1 in and out

override C: u32 = 1; // BUCKETS · N
override ADDS: u32 = 0;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32, blocks: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= C) { return; }
  var sum = 0.0;
  for (var block = 0u; block < counts.blocks; block++) { sum += partial[block * C + c]; }
  if (ADDS == 1) { sum += dtable[c]; }
  dtable[c] = sum;
}
