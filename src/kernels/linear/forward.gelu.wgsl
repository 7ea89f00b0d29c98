// forward.wgsl that writes activated = GELU(y) besides: y is what GELU takes, and its derivative needs it.
//   0 counts            this batch's T
//   1 x          (T, I)
//   2 weight     (O, I)
//   3 bias       (O)
//   4 residual   (T, O)
//   5 y          (T, O)  out
//   6 activated  (T, O)  out

override I: u32 = 1;
override O: u32 = 1;
override BIASED: u32 = 0;
override RESIDUAL: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read_write> activated: array<f32>;

fn fromX(at: vec4u) -> vec4f { return vec4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
fn fromWeight(at: vec4u) -> vec4f { return vec4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

// erf(v) for v >= 0, as gelu/forward.wgsl explains it.
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

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T) { return; }
  for (var j = 0u; j < 4 && column + j < O; j++) {
    let at = row * O + column + j;
    var value = SCALE * values[j];
    if (BIASED == 1) { value += bias[column + j]; }
    if (RESIDUAL == 1) { value += residual[at]; }
    if (ADDS == 1) { value += y[at]; }
    y[at] = value;
    activated[at] = 0.5 * value * (1.0 + sign(value) * erf(abs(value) * 0.70710678));
  }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * TILE;
  let o = id.x * TILE;
  if (t >= counts.T || o >= O) { return; }

  let low = vec4u(0, 1, 2, 3);
  let rowsA = min(t + low, vec4u(counts.T - 1)) * I;
  let rowsB = min(t + 4 + low, vec4u(counts.T - 1)) * I;
  let columnsA = min(o + low, vec4u(O - 1)) * I;
  let columnsB = min(o + 4 + low, vec4u(O - 1)) * I;

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < I; k++) {
    let xA = fromX(rowsA + k);
    let xB = fromX(rowsB + k);
    let wA = fromWeight(columnsA + k);
    let wB = fromWeight(columnsB + k);
    aa += outer(xA, wA);
    ab += outer(xA, wB);
    ba += outer(xB, wA);
    bb += outer(xB, wB);
  }

  for (var i = 0u; i < 4; i++) {
    store(t + i, o, aa[i]);
    store(t + i, o + 4, ab[i]);
    store(t + 4 + i, o, ba[i]);
    store(t + 4 + i, o + 4, bb[i]);
  }
}
