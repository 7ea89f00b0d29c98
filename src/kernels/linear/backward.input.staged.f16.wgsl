// backward.input.f16.wgsl through workgroup memory, as forward.staged.f16.wgsl.
//   0 counts                 this batch's T
//   1 weight         (O, I)  as vec4
//   2 dy             (T, O)  as vec4
//   3 preactivation  (T, I)  as vec4
//   4 dx             (T, I)  as vec4, out

enable f16;

override I: u32 = 4;
override O: u32 = 4;
override ACTIVATED: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
override ACROSS: u32 = 8;
override DOWN: u32 = 8;
const SLAB = 16u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read> preactivation: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

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

// Four rows by four outputs.
fn fromDy(at: vec4u) -> mat4x4f { return mat4x4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]); }

// Four outputs by four inputs.
fn fromWeight(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }

fn bringDy(index: u32, t: u32, k: u32) {
  for (var i = index; i < SLAB / 4 * 2 * DOWN; i += ACROSS * DOWN) {
    let j = i % (SLAB / 4);
    let block = i / (SLAB / 4);
    if (k + j >= O / 4) { continue; }
    let rows = min(t + 4 * block + vec4u(0, 1, 2, 3), vec4u(counts.T - 1));
    left[j * 2 * DOWN + block] = toBlock(fromDy(rows * (O / 4) + k + j));
  }
}
fn bringWeight(index: u32, c: u32, k: u32) {
  for (var i = index; i < SLAB / 4 * 2 * ACROSS; i += ACROSS * DOWN) {
    let rows = min(4 * (k + i / (2 * ACROSS)), O - 4) + vec4u(0, 1, 2, 3);
    right[i] = toBlock(fromWeight(rows * (I / 4) + min(c / 4 + i % (2 * ACROSS), I / 4 - 1)));
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

fn geluDerivative(a: vec4f) -> vec4f {
  return 0.5 * (1.0 + sign(a) * erf(abs(a) * 0.70710678)) + a * exp(-0.5 * a * a) * 0.39894228;
}

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T || column >= I) { return; }
  let at = (row * I + column) / 4;
  var value = SCALE * values;
  if (ACTIVATED == 1) { value *= geluDerivative(preactivation[at]); }
  if (ADDS == 1) { value += dx[at]; }
  dx[at] = value;
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) at: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let t = group.y * 8 * DOWN;
  let c = group.x * 8 * ACROSS;
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < O / 4; k += SLAB / 4) {
    bringDy(index, t, k);
    bringWeight(index, c, k);
    workgroupBarrier();
    for (var j = 0u; j < min(SLAB / 4, O / 4 - k); j++) {
      let dyA = left[j * 2 * DOWN + at.y];
      let dyB = left[j * 2 * DOWN + at.y + DOWN];
      let wA = right[j * 2 * ACROSS + at.x];
      let wB = right[j * 2 * ACROSS + at.x + ACROSS];
      aa += times(wA, dyA);
      ab += times(wB, dyA);
      ba += times(wA, dyB);
      bb += times(wB, dyB);
    }
    workgroupBarrier();
  }

  let tA = t + 4 * at.y;
  let tB = tA + 4 * DOWN;
  let cA = c + 4 * at.x;
  let cB = cA + 4 * ACROSS;
  for (var i = 0u; i < 4; i++) {
    store(tA + i, cA, aa[i]);
    store(tA + i, cB, ab[i]);
    store(tB + i, cA, ba[i]);
    store(tB + i, cB, bb[i]);
  }
}
