// backward.weight.f16.wgsl through workgroup memory, as forward.staged.f16.wgsl.
//   0 counts                  this batch's T
//   1 x        (T, I)         as vec4
//   2 dy       (T, O)         as vec4
//   3 dweight  (PARTS, O, I)  as vec4, out
//   4 dbias    (PARTS, O)     as vec4, out

enable f16;

override I: u32 = 4;
override O: u32 = 4;
override PARTS: u32 = 1;
override BIASED: u32 = 0;
override ADDS: u32 = 0;
override ACROSS: u32 = 8;
override DOWN: u32 = 8;
const SLAB = 16u;

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

// A slab of what the rows and the columns of the tile need, as (SLAB / 4, rows / 4) and (SLAB / 4, columns / 4).
var<workgroup> left: array<Block, SLAB / 4 * 2 * DOWN>;
var<workgroup> right: array<Block, SLAB / 4 * 2 * ACROSS>;
// Sums of four tokens of dy, for dbias.
var<workgroup> sums: array<vec4f, SLAB / 4 * 2 * DOWN>;

// Four tokens by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four tokens by four outputs; a token past the end counts for nothing.
fn fromDy(at: vec4u, inside: vec4f) -> mat4x4f {
  return mat4x4f(dy[at.x] * inside.x, dy[at.y] * inside.y, dy[at.z] * inside.z, dy[at.w] * inside.w);
}

fn bringDy(index: u32, o: u32, first: u32, end: u32) {
  for (var i = index; i < SLAB / 4 * 2 * DOWN; i += ACROSS * DOWN) {
    let t = first + 4 * (i / (2 * DOWN)) + vec4u(0, 1, 2, 3);
    let inside = select(vec4f(0), vec4f(1), t < vec4u(end));
    let four = fromDy(min(t, vec4u(end - 1)) * (O / 4) + min(o / 4 + i % (2 * DOWN), O / 4 - 1), inside);
    left[i] = toBlock(transpose(four));
    if (BIASED == 1) { sums[i] = four[0] + four[1] + four[2] + four[3]; }
  }
}
fn bringX(index: u32, c: u32, first: u32, end: u32) {
  for (var i = index; i < SLAB / 4 * 2 * ACROSS; i += ACROSS * DOWN) {
    let t = min(first + 4 * (i / (2 * ACROSS)) + vec4u(0, 1, 2, 3), vec4u(end - 1));
    right[i] = toBlock(fromX(t * (I / 4) + min(c / 4 + i % (2 * ACROSS), I / 4 - 1)));
  }
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

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) at: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let o = group.y * 8 * DOWN;
  let c = group.x * 8 * ACROSS;
  let part = group.z;
  let share = (counts.T + PARTS - 1) / PARTS;
  let end = min((part + 1) * share, counts.T);
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  var biasA = vec4f();
  var biasB = vec4f();
  for (var first = part * share; first < end; first += SLAB) {
    bringDy(index, o, first, end);
    bringX(index, c, first, end);
    workgroupBarrier();
    for (var j = 0u; j < min(SLAB, end - first + 3) / 4; j++) {
      let dyA = left[j * 2 * DOWN + at.y];
      let dyB = left[j * 2 * DOWN + at.y + DOWN];
      let xA = right[j * 2 * ACROSS + at.x];
      let xB = right[j * 2 * ACROSS + at.x + ACROSS];
      aa += times(xA, dyA);
      ab += times(xB, dyA);
      ba += times(xA, dyB);
      bb += times(xB, dyB);
      if (BIASED == 1) {
        biasA += sums[j * 2 * DOWN + at.y];
        biasB += sums[j * 2 * DOWN + at.y + DOWN];
      }
    }
    workgroupBarrier();
  }

  let base = part * O * I;
  let oA = o + 4 * at.y;
  let oB = oA + 4 * DOWN;
  let cA = c + 4 * at.x;
  let cB = cA + 4 * ACROSS;
  for (var i = 0u; i < 4; i++) {
    store(base, oA + i, cA, aa[i]);
    store(base, oA + i, cB, ab[i]);
    store(base, oB + i, cA, ba[i]);
    store(base, oB + i, cB, bb[i]);
  }
  if (BIASED == 1 && cA == 0) {
    storeBias(part * O, oA, biasA);
    storeBias(part * O, oB, biasB);
  }
}
