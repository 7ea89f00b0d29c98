// dweight = dyᵀ · x and, if BIASED, dbias = Σ over tokens of dy, plus what was there if ADDS; the first of two stages: part p sums
// its share of the tokens (a matrix of weights has too few tiles to fill a GPU), and backward.weight.sum.wgsl adds the parts. Each
// thread holds an 8 × 8 tile in registers, as in forward.wgsl; z is the part. The threads of the first inputs sum dy besides.
//   0 counts                 this batch's T
//   1 x        (T, I)
//   2 dy       (T, O)
//   3 dweight  (PARTS, O, I)  out
//   4 dbias    (PARTS, O)     out

override I: u32 = 1;
override O: u32 = 1;
override PARTS: u32 = 1;
override BIASED: u32 = 0;
override ADDS: u32 = 0;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(4) var<storage, read_write> dbias: array<f32>;

fn fromX(at: vec4u) -> vec4f { return vec4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
fn fromDy(at: vec4u) -> vec4f { return vec4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

fn store(base: u32, row: u32, column: u32, values: vec4f) {
  if (row >= O) { return; }
  for (var j = 0u; j < 4 && column + j < I; j++) {
    let at = base + row * I + column + j;
    var value = values[j];
    if (ADDS == 1) { value += dweight[at]; }
    dweight[at] = value;
  }
}
fn storeBias(base: u32, row: u32, values: vec4f) {
  for (var j = 0u; j < 4 && row + j < O; j++) {
    let at = base + row + j;
    var value = values[j];
    if (ADDS == 1) { value += dbias[at]; }
    dbias[at] = value;
  }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.y * TILE;
  let c = id.x * TILE;
  let part = id.z;
  if (o >= O || c >= I) { return; }

  let low = vec4u(0, 1, 2, 3);
  let rowsA = min(o + low, vec4u(O - 1));
  let rowsB = min(o + 4 + low, vec4u(O - 1));
  let columnsA = min(c + low, vec4u(I - 1));
  let columnsB = min(c + 4 + low, vec4u(I - 1));

  let share = (counts.T + PARTS - 1) / PARTS;
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  var biasA = vec4f();
  var biasB = vec4f();
  for (var t = part * share; t < min((part + 1) * share, counts.T); t++) {
    let dyA = fromDy(rowsA + t * O);
    let dyB = fromDy(rowsB + t * O);
    let xA = fromX(columnsA + t * I);
    let xB = fromX(columnsB + t * I);
    aa += outer(dyA, xA);
    ab += outer(dyA, xB);
    ba += outer(dyB, xA);
    bb += outer(dyB, xB);
    if (BIASED == 1) {
      biasA += dyA;
      biasB += dyB;
    }
  }

  let base = part * O * I;
  for (var i = 0u; i < 4; i++) {
    store(base, o + i, c, aa[i]);
    store(base, o + i, c + 4, ab[i]);
    store(base, o + 4 + i, c, ba[i]);
    store(base, o + 4 + i, c + 4, bb[i]);
  }
  if (BIASED == 1 && c == 0) {
    storeBias(part * O, o, biasA);
    storeBias(part * O, o + 4, biasB);
  }
}
