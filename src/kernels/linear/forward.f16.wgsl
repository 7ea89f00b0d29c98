// forward.vec4.wgsl with its operands rounded to f16, 4 × 4 numbers at a time, each such block to its own power of two (block floating
// point). Four products are summed in f16, these sums in f32; whatever comes after the product is f32. I and O are multiples of four.
//   0 counts            this batch's T
//   1 x         (T, I)  as vec4
//   2 weight    (O, I)  as vec4
//   3 bias      (O)     as vec4
//   4 residual  (T, O)  as vec4
//   5 y         (T, O)  as vec4, out

enable f16;

override I: u32 = 4;
override O: u32 = 4;
override BIASED: u32 = 0;
override RESIDUAL: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
override ROWS: u32 = 8;
override COLUMNS: u32 = 8;
override ACROSS: u32 = 8;
override DOWN: u32 = 4;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

// Sixteen numbers in f16, and the power of two that they have to be multiplied by: the largest is brought to [16, 32), so that small
// gradients do not vanish, nothing finite is too large, and a sum of four products stays below 2¹².
struct Block { numbers: mat4x4h, unit: f32 }

fn toBlock(m: mat4x4f) -> Block {
  let largest = max(max(abs(m[0]), abs(m[1])), max(abs(m[2]), abs(m[3])));
  let bits = bitcast<u32>(max(max(largest.x, largest.y), max(largest.z, largest.w)));
  // Both powers of two are normal numbers.
  let exponent = clamp(bits >> 23, 5u, 254u);
  return Block(mat4x4h(bitcast<f32>((258 - exponent) << 23) * m), bitcast<f32>((exponent - 4) << 23));
}

// A product of two blocks, its sums of four in f16.
fn times(a: Block, b: Block) -> mat4x4f { return (a.unit * b.unit) * mat4x4f(a.numbers * b.numbers); }

// Four rows by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four inputs by four outputs.
fn fromWeight(at: vec4u) -> mat4x4f { return transpose(mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w])); }

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T || column >= O) { return; }
  let at = (row * O + column) / 4;
  var value = SCALE * values;
  if (BIASED == 1) { value += bias[column / 4]; }
  if (RESIDUAL == 1) { value += residual[at]; }
  if (ADDS == 1) { value += y[at]; }
  y[at] = value;
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.y * ROWS;
  let o = id.x * COLUMNS;
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
    let xA = toBlock(fromX(rowsA + k));
    let wA = toBlock(fromWeight(columnsA + k));
    var xB = Block();
    var wB = Block();
    if (ROWS == 8) { xB = toBlock(fromX(rowsB + k)); }
    if (COLUMNS == 8) { wB = toBlock(fromWeight(columnsB + k)); }
    aa += times(wA, xA);
    if (COLUMNS == 8) { ab += times(wB, xA); }
    if (ROWS == 8) { ba += times(wA, xB); }
    if (ROWS == 8 && COLUMNS == 8) { bb += times(wB, xB); }
  }

  for (var i = 0u; i < 4; i++) {
    store(t + i, o, aa[i]);
    if (COLUMNS == 8) { store(t + i, o + 4, ab[i]); }
    if (ROWS == 8) { store(t + 4 + i, o, ba[i]); }
    if (ROWS == 8 && COLUMNS == 8) { store(t + 4 + i, o + 4, bb[i]); }
  }
}
