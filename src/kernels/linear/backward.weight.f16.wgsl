// backward.weight.vec4.wgsl with its operands rounded to f16, as forward.f16.wgsl; dbias is a sum in f32.
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
override ROWS: u32 = 8;
override COLUMNS: u32 = 8;
override ACROSS: u32 = 8;
override DOWN: u32 = 4;

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
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.y * ROWS;
  let c = id.x * COLUMNS;
  let part = id.z;
  if (o >= O || c >= I) { return; }

  let low = vec4u(0, 1, 2, 3);
  let rowA = o / 4;
  let rowB = min(o + 4, O - 4) / 4;
  let columnA = c / 4;
  let columnB = min(c + 4, I - 4) / 4;

  let share = (counts.T + PARTS - 1) / PARTS;
  let end = min((part + 1) * share, counts.T);
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  var biasA = vec4f();
  var biasB = vec4f();
  for (var first = part * share; first < end; first += 4) {
    let t = min(first + low, vec4u(end - 1));
    let inside = select(vec4f(0), vec4f(1), first + low < vec4u(end));
    let dyA = fromDy(t * (O / 4) + rowA, inside);
    let xA = toBlock(fromX(t * (I / 4) + columnA));
    var dyB = mat4x4f();
    var xB = Block();
    if (ROWS == 8) { dyB = fromDy(t * (O / 4) + rowB, inside); }
    if (COLUMNS == 8) { xB = toBlock(fromX(t * (I / 4) + columnB)); }
    let leftA = toBlock(transpose(dyA));
    var leftB = Block();
    if (ROWS == 8) { leftB = toBlock(transpose(dyB)); }
    aa += times(xA, leftA);
    if (COLUMNS == 8) { ab += times(xB, leftA); }
    if (ROWS == 8) { ba += times(xA, leftB); }
    if (ROWS == 8 && COLUMNS == 8) { bb += times(xB, leftB); }
    if (BIASED == 1) {
      biasA += dyA[0] + dyA[1] + dyA[2] + dyA[3];
      biasB += dyB[0] + dyB[1] + dyB[2] + dyB[3];
    }
  }

  let base = part * O * I;
  for (var i = 0u; i < 4; i++) {
    store(base, o + i, c, aa[i]);
    if (COLUMNS == 8) { store(base, o + i, c + 4, ab[i]); }
    if (ROWS == 8) { store(base, o + 4 + i, c, ba[i]); }
    if (ROWS == 8 && COLUMNS == 8) { store(base, o + 4 + i, c + 4, bb[i]); }
  }
  if (BIASED == 1 && c == 0) {
    storeBias(part * O, o, biasA);
    if (ROWS == 8) { storeBias(part * O, o + 4, biasB); }
  }
}
