// forward.gelu.f16.wgsl through workgroup memory, as forward.staged.f16.wgsl.
//   0 counts             this batch's T
//   1 x          (T, I)  as vec4
//   2 weight     (O, I)  as vec4
//   3 bias       (O)     as vec4
//   4 residual   (T, O)  as vec4
//   5 y          (T, O)  as vec4, out
//   6 activated  (T, O)  as vec4, out

enable f16;

override I: u32 = 4;
override O: u32 = 4;
override BIASED: u32 = 0;
override RESIDUAL: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
override ACROSS: u32 = 8;
override DOWN: u32 = 8;
const SLAB = 16u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> activated: array<vec4f>;

// As forward.f16.wgsl explains it.
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

// A slab of what the rows and the columns of the tile need, as (SLAB / 4, rows / 4) and (SLAB / 4, columns / 4).
var<workgroup> left: array<Block, SLAB / 4 * 2 * DOWN>;
var<workgroup> right: array<Block, SLAB / 4 * 2 * ACROSS>;

// Four rows by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four inputs by four outputs.
fn fromWeight(at: vec4u) -> mat4x4f { return transpose(mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w])); }

fn bringX(index: u32, t: u32, k: u32) {
  for (var i = index; i < SLAB / 4 * 2 * DOWN; i += ACROSS * DOWN) {
    let j = i % (SLAB / 4);
    let block = i / (SLAB / 4);
    if (k + j >= I / 4) { continue; }
    let rows = min(t + 4 * block + vec4u(0, 1, 2, 3), vec4u(counts.T - 1));
    left[j * 2 * DOWN + block] = toBlock(fromX(rows * (I / 4) + k + j));
  }
}
fn bringWeight(index: u32, o: u32, k: u32) {
  for (var i = index; i < SLAB / 4 * 2 * ACROSS; i += ACROSS * DOWN) {
    let j = i % (SLAB / 4);
    let block = i / (SLAB / 4);
    if (k + j >= I / 4) { continue; }
    let rows = min(o + 4 * block + vec4u(0, 1, 2, 3), vec4u(O - 1));
    right[j * 2 * ACROSS + block] = toBlock(fromWeight(rows * (I / 4) + k + j));
  }
}

// erf(v) for v >= 0, as gelu/forward.wgsl explains it.
fn erf(v: vec4f) -> vec4f {
  let z = v * v;
  let near = v * (1.1283791 + z * (-0.37612626 + z * (0.11283585 + z * (-0.026853813 + z * (0.0051883287 +
    z * (-0.00080102013 + z * 0.00007853884))))));
  let t = 1.0 / (1.0 + 0.5 * v);
  let far = 1.0 - exp(-z) * t * (0.28234306 + t * (0.27778574 + t * (0.27801087 + t * (0.055460777 + t * (0.34901482 +
    t * (-0.31328946 + t * 0.070207037))))));
  return select(far, near, v < vec4f(1));
}

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T || column >= O) { return; }
  let at = (row * O + column) / 4;
  var value = SCALE * values;
  if (BIASED == 1) { value += bias[column / 4]; }
  if (RESIDUAL == 1) { value += residual[at]; }
  if (ADDS == 1) { value += y[at]; }
  y[at] = value;
  activated[at] = 0.5 * value * (1.0 + sign(value) * erf(abs(value) * 0.70710678));
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) at: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let t = group.y * 8 * DOWN;
  let o = group.x * 8 * ACROSS;
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < I / 4; k += SLAB / 4) {
    bringX(index, t, k);
    bringWeight(index, o, k);
    workgroupBarrier();
    for (var j = 0u; j < min(SLAB / 4, I / 4 - k); j++) {
      let xA = left[j * 2 * DOWN + at.y];
      let xB = left[j * 2 * DOWN + at.y + DOWN];
      let wA = right[j * 2 * ACROSS + at.x];
      let wB = right[j * 2 * ACROSS + at.x + ACROSS];
      aa += times(wA, xA);
      ab += times(wB, xA);
      ba += times(wA, xB);
      bb += times(wB, xB);
    }
    workgroupBarrier();
  }

  let tA = t + 4 * at.y;
  let tB = tA + 4 * DOWN;
  let oA = o + 4 * at.x;
  let oB = oA + 4 * ACROSS;
  for (var i = 0u; i < 4; i++) {
    store(tA + i, oA, aa[i]);
    store(tA + i, oB, ab[i]);
    store(tB + i, oA, ba[i]);
    store(tB + i, oB, bb[i]);
  }
}
