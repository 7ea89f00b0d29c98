// backward.input.wgsl for I and O that are multiples of four, as forward.vec4.wgsl.
//   0 counts         this batch's T
//   1 weight  (O, I)  as vec4
//   2 dy      (T, O)  as vec4
//   3 dx      (T, I)  as vec4, out

override I: u32 = 4;
override O: u32 = 4;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

// Four rows by four outputs.
fn fromDy(at: vec4u) -> mat4x4f { return mat4x4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]); }
// Four outputs by four inputs.
fn fromWeight(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

fn store(row: u32, column: u32, values: vec4f) {
  if (row < counts.T && column < I) { dx[(row * I + column) / 4] = values; }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * TILE;
  let c = id.x * TILE;
  if (t >= counts.T || c >= I) { return; }

  let low = vec4u(0, 1, 2, 3);
  let rowsA = min(t + low, vec4u(counts.T - 1)) * (O / 4);
  let rowsB = min(t + 4 + low, vec4u(counts.T - 1)) * (O / 4);
  let columnsA = low * (I / 4) + c / 4;
  let columnsB = low * (I / 4) + min(c + 4, I - 4) / 4;

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < O / 4; k++) {
    let dyA = fromDy(rowsA + k);
    let dyB = fromDy(rowsB + k);
    let wA = fromWeight(columnsA + k * I);
    let wB = fromWeight(columnsB + k * I);
    aa += wA * dyA;
    ab += wB * dyA;
    ba += wA * dyB;
    bb += wB * dyB;
  }

  for (var i = 0u; i < 4; i++) {
    store(t + i, c, aa[i]);
    store(t + i, c + 4, ab[i]);
    store(t + 4 + i, c, ba[i]);
    store(t + 4 + i, c + 4, bb[i]);
  }
}
