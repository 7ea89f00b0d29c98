// dx = dy · weight. Each thread holds an 8 × 8 tile of dx in registers, as in forward.wgsl.
//   0 counts         this batch's T
//   1 weight  (O, I)
//   2 dy      (T, O)
//   3 dx      (T, I)  out

override I: u32 = 1;
override O: u32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

fn fromDy(at: vec4u) -> vec4f { return vec4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]); }
fn fromWeight(at: vec4u) -> vec4f { return vec4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T) { return; }
  for (var j = 0u; j < 4 && column + j < I; j++) { dx[row * I + column + j] = values[j]; }
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
