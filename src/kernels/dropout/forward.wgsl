// y = 0 where the hash of the token and the channel is below THRESHOLD, otherwise SCALE · y (Srivastava et al., JMLR 15, 2014); with
// RESIDUAL = 1 residual is added, otherwise nothing is read from binding 1. What is dropped is as src/encoder/dropout.ts says: the
// first word of pcg3d (Jarzynski and Olano, JCGT 9(3), 2020) of the token's number in the step, the channel, the seed and the site.
// One thread per element.
//   0 counts           this batch's T, the step's seed and the batch's first token in the step
//   1 residual (T, C)
//   2 y        (T, C)  in and out

override C: u32 = 1;
override SITE: u32 = 0;
override THRESHOLD: u32 = 0;
override SCALE: f32 = 1;
override RESIDUAL: u32 = 0;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> residual: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn mix(v: vec3u) -> vec3u {
  let x = v.x + v.y * v.z;
  let y = v.y + v.z * x;
  return vec3u(x, y, v.z + x * y);
}

fn hash(row: u32, column: u32) -> u32 {
  let v = mix(vec3u(row, column, counts.seed ^ (SITE * 0x9e3779b9u)) * 1664525u + 1013904223u);
  return mix(v ^ (v >> vec3u(16))).x;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * C) { return; }
  var value = select(SCALE * y[i], 0.0, hash(counts.firstToken + i / C, i % C) < THRESHOLD);
  if (RESIDUAL == 1) { value += residual[i]; }
  y[i] = value;
}
