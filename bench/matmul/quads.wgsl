// C = A · B for square matrices, no workgroup memory: as registers.wgsl, but the four lanes of a quad share what they load. They make
// 16 × 16 elements of C, 8 × 8 each; a lane gets half of its A from the lane beside it, half of its B from the one above or below.
// The quickest form on software adapters. N is a multiple of 64.
//   0 a  (N, N)  as vec4
//   1 b  (N, N)  as vec4
//   2 c  (N, N)  as vec4, out

enable subgroups;

override N: u32 = 64;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

// Four rows of A by four of its columns; four rows of B by four of its columns. A column of a WGSL matrix is a row here.
fn fromA(row: u32, k: u32) -> mat4x4f {
  let at = row * (N / 4) + k;
  return mat4x4f(a[at], a[at + N / 4], a[at + 2 * (N / 4)], a[at + 3 * (N / 4)]);
}
fn fromB(k: u32, column: u32) -> mat4x4f {
  let at = 4 * k * (N / 4) + column;
  return mat4x4f(b[at], b[at + N / 4], b[at + 2 * (N / 4)], b[at + 3 * (N / 4)]);
}

// What the lane beside and what the lane below or above holds.
fn beside(m: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapX(m[0]), quadSwapX(m[1]), quadSwapX(m[2]), quadSwapX(m[3]));
}
fn across(m: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapY(m[0]), quadSwapY(m[1]), quadSwapY(m[2]), quadSwapY(m[3]));
}

fn store(row: u32, column: u32, values: mat4x4f) {
  for (var i = 0u; i < 4; i++) { c[(row + i) * (N / 4) + column] = values[i]; }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // Whatever the order of the lanes is: those of a quad agree on its number.
  let quad = quadBroadcast(index, 0) / 4;
  let right = lane % 2;
  let lower = lane / 2 % 2;
  let row = group.y * 64 + quad / 4 * 16 + 8 * lower;
  let column = group.x * 16 + quad % 4 * 4 + 2 * right;
  let ownRow = row + 4 * right;
  let otherRow = row + 4 - 4 * right;
  let ownColumn = column + lower;
  let otherColumn = column + 1 - lower;
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < N / 4; k++) {
    let upper = fromA(ownRow, k);
    let under = beside(upper);
    let first = fromB(k, ownColumn);
    let second = across(first);
    aa += first * upper;
    ab += second * upper;
    ba += first * under;
    bb += second * under;
  }
  store(ownRow, ownColumn, aa);
  store(ownRow, otherColumn, ab);
  store(otherRow, ownColumn, ba);
  store(otherRow, otherColumn, bb);
}
