// partial[g] = sum of squares of workgroup g's share of a gradient: the first of two stages of the global norm. Padding between
// the regions of the arena is zero and adds nothing.
//   0 gradient  (FLOATS)      as vec4
//   1 partial   (workgroups)  out

override FLOATS: u32 = 4;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;

var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  var local = 0.0;
  for (var i = group.x * THREADS + thread; i < FLOATS / 4; i += groups.x * THREADS) { local += dot(gradient[i], gradient[i]); }
  sums[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { sums[thread] += sums[thread + stride]; }
    workgroupBarrier();
  }
  if (thread == 0) { partial[group.x] = sums[0]; }
}
