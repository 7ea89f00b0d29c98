// forward.f16.wgsl shared by four lanes, each of which rounds what it loads; otherwise as forward.quads.wgsl.
//   0 counts            this batch's T
//   1 x         (T, I)  as vec4
//   2 weight    (O, I)  as vec4
//   3 bias      (O)     as vec4
//   4 residual  (T, O)  as vec4
//   5 y         (T, O)  as vec4, out

enable f16;
enable subgroups;

override I: u32 = 4;
override O: u32 = 4;
override BIASED: u32 = 0;
override RESIDUAL: u32 = 0;
override ADDS: u32 = 0;
override SCALE: f32 = 1;
override ACROSS: u32 = 4;
override DOWN: u32 = 2;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

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

// Four rows by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four inputs by four outputs.
fn fromWeight(at: vec4u) -> mat4x4f { return transpose(mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w])); }
// What the lane beside and what the lane below or above holds.
fn beside(block: Block) -> Block {
  let m = block.numbers;
  return Block(mat4x4h(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3])), quadSwapX(block.unit));
}
fn across(block: Block) -> Block {
  let m = block.numbers;
  return Block(mat4x4h(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3])), quadSwapY(block.unit));
}

fn store(row: u32, column: u32, values: vec4f) {
  if (row >= counts.T || column >= O) { return; }
  let at = (row * O + column) / 4;
  var value = SCALE * values;
  if (BIASED == 1) { value += bias[column / 4]; }
  if (RESIDUAL == 1) { value += residual[at]; }
  if (ADDS == 1) { value += y[at]; }
  y[at] = value;
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
  let o = (group.x * ACROSS + quad % ACROSS) * 16 + 8 * column;
  // A is what this lane loads, B what its neighbour does.
  let tA = t + 4 * column;
  let tB = t + 4 - 4 * column;
  let oA = o + 4 * row;
  let oB = o + 4 - 4 * row;

  let low = vec4u(0, 1, 2, 3);
  let rows = min(tA + low, vec4u(counts.T - 1)) * (I / 4);
  let columns = min(oA + low, vec4u(O - 1)) * (I / 4);

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < I / 4; k++) {
    let xA = toBlock(fromX(rows + k));
    let xB = beside(xA);
    let wA = toBlock(fromWeight(columns + k));
    let wB = across(wA);
    aa += times(wA, xA);
    ab += times(wB, xA);
    ba += times(wA, xB);
    bb += times(wB, xB);
  }

  for (var i = 0u; i < 4; i++) {
    store(tA + i, oA, aa[i]);
    store(tA + i, oB, ab[i]);
    store(tB + i, oA, ba[i]);
    store(tB + i, oB, bb[i]);
  }
}
