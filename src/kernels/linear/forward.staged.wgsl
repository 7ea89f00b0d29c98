// forward.vec4.wgsl through workgroup memory, for GPUs whose caches are slow: ACROSS × DOWN threads bring in SLAB columns of x and of
// weight at a time for the 8 ACROSS × 8 DOWN elements of y that they make. A thread's rows lie 4 DOWN apart in two blocks of
// four, its columns likewise, so that neighbouring threads read neighbouring numbers.
//   0 counts            this batch's T
//   1 x         (T, I)  as vec4
//   2 weight    (O, I)  as vec4
//   3 bias      (O)     as vec4
//   4 residual  (T, O)  as vec4
//   5 y         (T, O)  as vec4, out

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

// A slab of what the rows and the columns of the tile need, as (SLAB, rows / 4) and (SLAB, columns / 4).
var<workgroup> left: array<vec4f, SLAB * 2 * DOWN>;
var<workgroup> right: array<vec4f, SLAB * 2 * ACROSS>;

fn fromLeft(k: u32, i: u32) -> mat4x4f {
  let at = 4 * k * 2 * DOWN + i;
  return mat4x4f(left[at], left[at + 2 * DOWN], left[at + 4 * DOWN], left[at + 6 * DOWN]);
}
fn fromRight(k: u32, i: u32) -> mat4x4f {
  let at = 4 * k * 2 * ACROSS + i;
  return mat4x4f(right[at], right[at + 2 * ACROSS], right[at + 4 * ACROSS], right[at + 6 * ACROSS]);
}

// Four rows by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four inputs by four outputs.
fn fromWeight(at: vec4u) -> mat4x4f { return transpose(mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w])); }

// Four columns at a time of four rows, turned: a slab lies by columns.
fn bringX(index: u32, t: u32, k: u32) {
  for (var i = index; i < SLAB / 4 * 2 * DOWN; i += ACROSS * DOWN) {
    let j = i % (SLAB / 4);
    let block = i / (SLAB / 4);
    if (k + j >= I / 4) { continue; }
    let four = transpose(fromX(min(t + 4 * block + vec4u(0, 1, 2, 3), vec4u(counts.T - 1)) * (I / 4) + k + j));
    for (var n = 0u; n < 4; n++) { left[(4 * j + n) * 2 * DOWN + block] = four[n]; }
  }
}
fn bringWeight(index: u32, o: u32, k: u32) {
  for (var i = index; i < SLAB / 4 * 2 * ACROSS; i += ACROSS * DOWN) {
    let j = i % (SLAB / 4);
    let block = i / (SLAB / 4);
    if (k + j >= I / 4) { continue; }
    let four = fromWeight(min(o + 4 * block + vec4u(0, 1, 2, 3), vec4u(O - 1)) * (I / 4) + k + j);
    for (var n = 0u; n < 4; n++) { right[(4 * j + n) * 2 * ACROSS + block] = four[n]; }
  }
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
      let xA = transpose(fromLeft(j, at.y));
      let xB = transpose(fromLeft(j, at.y + DOWN));
      let wA = fromRight(j, at.x);
      let wB = fromRight(j, at.x + ACROSS);
      aa += wA * xA;
      ab += wB * xA;
      ba += wA * xB;
      bb += wB * xB;
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
