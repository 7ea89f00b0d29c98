// forward.wgsl for I and O that are multiples of four: loads and stores four numbers at once, and takes four inputs a turn.
//   0 counts         this batch's T
//   1 x       (T, I)  as vec4
//   2 weight  (O, I)  as vec4
//   3 bias    (O)     as vec4
//   4 y       (T, O)  as vec4, out

override I: u32 = 4;
override O: u32 = 4;
override BIASED: u32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

// Four rows by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four inputs by four outputs.
fn fromWeight(at: vec4u) -> mat4x4f { return transpose(mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w])); }

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T || column >= O) { return; }
  var value = values;
  if (BIASED == 1) { value += bias[column / 4]; }
  y[(row * O + column) / 4] = value;
}

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * TILE;
  let o = id.x * TILE;
  if (t >= counts.T || o >= O) { return; }

  let low = vec4u(0, 1, 2, 3);
  let rowsA = min(t + low, vec4u(counts.T - 1)) * (I / 4);
  let rowsB = min(t + 4 + low, vec4u(counts.T - 1)) * (I / 4);
  let columnsA = min(o + low, vec4u(O - 1)) * (I / 4);
  let columnsB = min(o + 4 + low, vec4u(O - 1)) * (I / 4);

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < I / 4; k++) {
    let xA = fromX(rowsA + k);
    let xB = fromX(rowsB + k);
    let wA = fromWeight(columnsA + k);
    let wB = fromWeight(columnsB + k);
    aa += wA * xA;
    ab += wB * xA;
    ba += wA * xB;
    bb += wB * xB;
  }

  for (var i = 0u; i < 4; i++) {
    store(t + i, o, aa[i]);
    store(t + i, o + 4, ab[i]);
    store(t + 4 + i, o, ba[i]);
    store(t + 4 + i, o + 4, bb[i]);
  }
}
