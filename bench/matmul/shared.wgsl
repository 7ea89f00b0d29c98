// C = A · B for square matrices through workgroup memory: 16 × 16 threads make 128 × 128 elements of C, 8 × 8 each, and
// bring A and B in by slabs of 16. The quicker form on discrete GPUs. N is a multiple of 128.
//   0 a  (N, N)  as vec4
//   1 b  (N, N)  as vec4
//   2 c  (N, N)  as vec4, out

override N: u32 = 128;
const THREADS = 256u;
const SLAB = 16u;
// 128 elements, as vec4.
const TILE = 32u;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;

// Each (SLAB, 128) as vec4. A's slab lies transposed, so that both are read along rows.
var<workgroup> left: array<vec4f, SLAB * TILE>;
var<workgroup> right: array<vec4f, SLAB * TILE>;

fn outer(rows: vec4f, columns: vec4f) -> mat4x4f {
  return mat4x4f(columns * rows.x, columns * rows.y, columns * rows.z, columns * rows.w);
}

fn store(row: u32, column: u32, values: mat4x4f) {
  for (var i = 0u; i < 4; i++) { c[(row + i) * (N / 4) + column] = values[i]; }
}

// Four rows by four columns of A, transposed: 32 × 4 such blocks in a slab.
fn bringA(thread: u32, firstRow: u32, k: u32) {
  let row = thread % TILE;
  let column = thread / TILE;
  let at = (firstRow + 4 * row) * (N / 4) + k / 4 + column;
  let block = transpose(mat4x4f(a[at], a[at + N / 4], a[at + 2 * (N / 4)], a[at + 3 * (N / 4)]));
  for (var i = 0u; i < 4; i++) { left[(4 * column + i) * TILE + row] = block[i]; }
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) at: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < N; k += SLAB) {
    if (thread < TILE * SLAB / 4) { bringA(thread, group.y * 128, k); }
    for (var i = thread; i < SLAB * TILE; i += THREADS) {
      right[i] = b[(k + i / TILE) * (N / 4) + group.x * TILE + i % TILE];
    }
    workgroupBarrier();
    for (var j = 0u; j < SLAB; j++) {
      // A thread's rows and columns lie 64 apart, so that neighbouring threads read neighbouring numbers.
      let upper = left[j * TILE + at.y];
      let lower = left[j * TILE + at.y + 16];
      let first = right[j * TILE + at.x];
      let second = right[j * TILE + at.x + 16];
      aa += outer(upper, first);
      ab += outer(upper, second);
      ba += outer(lower, first);
      bb += outer(lower, second);
    }
    workgroupBarrier();
  }
  let row = group.y * 128 + 4 * at.y;
  let column = group.x * TILE + at.x;
  store(row, column, aa);
  store(row, column + 16, ab);
  store(row + 64, column, ba);
  store(row + 64, column + 16, bb);
}
