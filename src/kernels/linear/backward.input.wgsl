// dx = SCALE · dy · weight, times GELU'(preactivation) if ACTIVATED (the layer's input was GELU of that), plus dx as it was if ADDS.
// Each thread holds an 8 × 8 tile of dx in registers, as in forward.wgsl. Without ACTIVATED nothing is read from binding 3.
//   0 counts                this batch's T
//   1 weight         (O, I)
//   2 dy             (T, O)
//   3 preactivation  (T, I)
//   4 dx             (T, I)  out

override I: u32 = 1;
override O: u32 = 1;
override ACTIVATED: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> preactivation: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

fn fromDy(at: vec4u) -> vec4f { return vec4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]); }
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

fn geluDerivative(a: f32) -> f32 {
  return 0.5 * (1.0 + sign(a) * erf(abs(a) * 0.70710678)) + a * exp(-0.5 * a * a) * 0.39894228;
}

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T) { return; }
  for (var j = 0u; j < 4 && column + j < I; j++) {
    let at = row * I + column + j;
    var value = SCALE * values[j];
    if (ACTIVATED == 1) { value *= geluDerivative(preactivation[at]); }
    if (ADDS == 1) { value += dx[at]; }
    dx[at] = value;
  }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * TILE;
  let c = id.x * TILE;
  if (t >= counts.T || c >= I) { return; }

  let low = vec4u(0, 1, 2, 3);
  let rowsA = min(t + low, vec4u(counts.T - 1)) * O;
  let rowsB = min(t + 4 + low, vec4u(counts.T - 1)) * O;
  let columnsA = min(c + low, vec4u(I - 1));
  let columnsB = min(c + 4 + low, vec4u(I - 1));

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < O; k++) {
    let dyA = fromDy(rowsA + k);
    let dyB = fromDy(rowsB + k);
    let wA = fromWeight(columnsA + k * I);
    let wB = fromWeight(columnsB + k * I);
    aa += outer(dyA, wA);
    ab += outer(dyA, wB);
    ba += outer(dyB, wA);
    bb += outer(dyB, wB);
  }

  for (var i = 0u; i < 4; i++) {
    store(t + i, c, aa[i]);
    store(t + i, c + 4, ab[i]);
    store(t + 4 + i, c, ba[i]);
    store(t + 4 + i, c + 4, bb[i]);
  }
}
