// backward.weight.f16.wgsl shared by four lanes, as forward.quads.f16.wgsl.
//   0 counts                  this batch's T
//   1 x        (T, I)         as vec4
//   2 dy       (T, O)         as vec4
//   3 dweight  (PARTS, O, I)  as vec4, out
//   4 dbias    (PARTS, O)     as vec4, out

enable f16;
enable subgroups;

override I: u32 = 4;
override O: u32 = 4;
override PARTS: u32 = 1;
override BIASED: u32 = 0;
override ADDS: u32 = 0;
override ACROSS: u32 = 4;
override DOWN: u32 = 2;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dweight: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dbias: array<vec4f>;

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

// Four tokens by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four tokens by four outputs; a token past the end counts for nothing.
fn fromDy(at: vec4u, inside: vec4f) -> mat4x4f {
  return mat4x4f(dy[at.x] * inside.x, dy[at.y] * inside.y, dy[at.z] * inside.z, dy[at.w] * inside.w);
}
// What the lane beside and what the lane below or above holds.
fn beside(block: Block) -> Block {
  let m = block.numbers;
  return Block(mat4x4h(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3])), quadSwapX(block.unit));
}
fn across(block: Block) -> Block {
  let m = block.numbers;
  return Block(mat4x4h(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3])), quadSwapY(block.unit));
}

fn store(base: u32, row: u32, column: u32, values: vec4f) {
  if (row >= O || column >= I) { return; }
  let at = (base + row * I + column) / 4;
  var value = values;
  if (ADDS == 1) { value += dweight[at]; }
  dweight[at] = value;
}
fn storeBias(base: u32, row: u32, values: vec4f) {
  if (row >= O) { return; }
  let at = (base + row) / 4;
  var value = values;
  if (ADDS == 1) { value += dbias[at]; }
  dbias[at] = value;
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
  let o = (group.y * DOWN + quad / ACROSS) * 16 + 8 * row;
  let c = (group.x * ACROSS + quad % ACROSS) * 16 + 8 * column;
  // A is what this lane loads, B what its neighbour does.
  let oA = o + 4 * column;
  let oB = o + 4 - 4 * column;
  let cA = c + 4 * row;
  let cB = c + 4 - 4 * row;

  let low = vec4u(0, 1, 2, 3);
  let rows = min(oA, O - 4) / 4;
  let columns = min(cA, I - 4) / 4;

  let part = group.z;
  let share = (counts.T + PARTS - 1) / PARTS;
  let end = min((part + 1) * share, counts.T);
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  var bias = vec4f();
  for (var first = part * share; first < end; first += 4) {
    let t = min(first + low, vec4u(end - 1));
    let inside = select(vec4f(0), vec4f(1), first + low < vec4u(end));
    let dys = fromDy(t * (O / 4) + rows, inside);
    if (BIASED == 1) { bias += dys[0] + dys[1] + dys[2] + dys[3]; }
    let dyA = toBlock(transpose(dys));
    let dyB = beside(dyA);
    let xA = toBlock(fromX(t * (I / 4) + columns));
    let xB = across(xA);
    aa += times(xA, dyA);
    ab += times(xB, dyA);
    ba += times(xA, dyB);
    bb += times(xB, dyB);
  }

  let base = part * O * I;
  for (var i = 0u; i < 4; i++) {
    store(base, oA + i, cA, aa[i]);
    store(base, oA + i, cB, ab[i]);
    store(base, oB + i, cA, ba[i]);
    store(base, oB + i, cB, bb[i]);
  }
  if (BIASED == 1 && c < 16) { storeBias(part * O, oA, bias); }
}
