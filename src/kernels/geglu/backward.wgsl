// da = dy · b · (Φ(a) + a · φ(a)), db = dy · a · Φ(a), with a and b as in forward.wgsl and φ(a) = exp(-a² / 2) / √(2π). y is what
// forward.wgsl gave, made again. One thread per element of dy.
//   0 counts       this batch's T
//   1 x  (T, 2C)
//   2 dy (T, C)
//   3 dx (T, 2C)   out
//   4 y  (T, C)    out

override C: u32 = 1;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// erf(v) for v >= 0: an odd polynomial below 1, 1 - exp(-v²)·t·poly(t) with t = 1 / (1 + v/2) from there on. Coefficients are
// minimax fits (Lawson iteration) against 30-digit values; largest error in float32 1.4e-7, two units in the last place of 1.
// WGSL has no erf.
fn erf(v: f32) -> f32 {
  let z = v * v;
  if (v < 1.0) {
    return v * (1.1283791 + z * (-0.37612626 + z * (0.11283585 + z * (-0.026853813 + z * (0.0051883287 +
      z * (-0.00080102013 + z * 0.00007853884))))));
  }
  let t = 1.0 / (1.0 + 0.5 * v);
  return 1.0 - exp(-z) * t * (0.28234306 + t * (0.27778574 + t * (0.27801087 + t * (0.055460777 + t * (0.34901482 +
    t * (-0.31328946 + t * 0.070207037))))));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * C) { return; }
  let at = i / C * 2 * C + i % C;
  let a = x[at];
  let cumulative = 0.5 * (1.0 + sign(a) * erf(abs(a) * 0.70710678));
  dx[at] = dy[i] * x[at + C] * (cumulative + a * exp(-0.5 * a * a) * 0.39894228);
  dx[at + C] = dy[i] * a * cumulative;
  y[i] = a * cumulative * x[at + C];
}
