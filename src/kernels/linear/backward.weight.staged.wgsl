// backward.weight.wgsl for I and O that are multiples of four, as forward.staged.wgsl; SLAB is of tokens.
//   0 counts                  this batch's T
//   1 x        (T, I)         as vec4
//   2 dy       (T, O)         as vec4
//   3 dweight  (PARTS, O, I)  as vec4, out
//   4 dbias    (PARTS, O)     as vec4, out

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

// A token past the end counts for nothing.
fn bringDy(index: u32, o: u32, first: u32, end: u32) {
  for (var i = index; i < SLAB * 2 * DOWN; i += ACROSS * DOWN) {
    let t = first + i / (2 * DOWN);
    let inside = select(0.0, 1.0, t < end);
    left[i] = dy[min(t, end - 1) * (O / 4) + min(o / 4 + i % (2 * DOWN), O / 4 - 1)] * inside;
  }
}
fn bringX(index: u32, c: u32, first: u32, end: u32) {
  for (var i = index; i < SLAB * 2 * ACROSS; i += ACROSS * DOWN) {
    let t = min(first + i / (2 * ACROSS), end - 1);
    right[i] = x[t * (I / 4) + min(c / 4 + i % (2 * ACROSS), I / 4 - 1)];
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
      let dyA = fromLeft(j, at.y);
      let dyB = fromLeft(j, at.y + DOWN);
      let xA = fromRight(j, at.x);
      let xB = fromRight(j, at.x + ACROSS);
      aa += xA * transpose(dyA);
      ab += xB * transpose(dyA);
      ba += xA * transpose(dyB);
      bb += xB * transpose(dyB);
      if (BIASED == 1) {
        biasA += dyA[0] + dyA[1] + dyA[2] + dyA[3];
        biasB += dyB[0] + dyB[1] + dyB[2] + dyB[3];
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
