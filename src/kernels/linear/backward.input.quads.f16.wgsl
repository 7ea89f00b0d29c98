// backward.input.f16.wgsl shared by four lanes, as forward.quads.f16.wgsl.
//   0 counts                 this batch's T
//   1 weight         (O, I)  as vec4
//   2 dy             (T, O)  as vec4
//   3 preactivation  (T, I)  as vec4
//   4 dx             (T, I)  as vec4, out

enable f16;
enable subgroups;

override I: u32 = 4;
override O: u32 = 4;
override ACTIVATED: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
override ACROSS: u32 = 4;
override DOWN: u32 = 2;

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

// Four rows by four outputs.
fn fromDy(at: vec4u) -> mat4x4f { return mat4x4f(dy[at.x], dy[at.y], dy[at.z], dy[at.w]); }
// Four outputs by four inputs.
fn fromWeight(at: vec4u) -> mat4x4f { return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }
// What the lane beside and what the lane below or above holds.
fn beside(block: Block) -> Block {
  let m = block.numbers;
  return Block(mat4x4h(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3])), quadSwapX(block.unit));
}
fn across(block: Block) -> Block {
  let m = block.numbers;
  return Block(mat4x4h(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3])), quadSwapY(block.unit));
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

@compute @workgroup_size(4 * ACROSS * DOWN)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // Whatever the order of the lanes is: those of a quad agree on its number.
  let quad = quadBroadcast(index, 0) / 4;
  let column = lane % 2;
  let row = lane / 2 % 2;
  let t = (group.y * DOWN + quad / ACROSS) * 16 + 8 * row;
  let c = (group.x * ACROSS + quad % ACROSS) * 16 + 8 * column;
  // A is what this lane loads, B what its neighbour does.
  let tA = t + 4 * column;
  let tB = t + 4 - 4 * column;
  let cA = c + 4 * row;
  let cB = c + 4 - 4 * row;

  let low = vec4u(0, 1, 2, 3);
  let rows = min(tA + low, vec4u(counts.T - 1)) * (O / 4);
  let columns = low * (I / 4) + min(cA, I - 4) / 4;

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < O / 4; k++) {
    let dyA = toBlock(fromDy(rows + k));
    let dyB = beside(dyA);
    let wA = toBlock(fromWeight(columns + k * I));
    let wB = across(wA);
    aa += times(wA, dyA);
    ab += times(wB, dyA);
    ba += times(wA, dyB);
    bb += times(wB, dyB);
  }

  for (var i = 0u; i < 4; i++) {
    store(tA + i, cA, aa[i]);
    store(tA + i, cB, ab[i]);
    store(tB + i, cA, ba[i]);
    store(tB + i, cB, bb[i]);
  }
}
