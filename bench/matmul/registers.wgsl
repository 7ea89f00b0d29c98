// C = A · B for square matrices, no workgroup memory: a thread keeps 8 × 8 elements of C in registers and takes four columns of
// A at a time. The quicker form on software adapters and on GPUs with good caches. N is a multiple of 64.
//   0 a  (N, N)  as vec4
//   1 b  (N, N)  as vec4
//   2 c  (N, N)  as vec4, out

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

fn store(row: u32, column: u32, values: mat4x4f) {
  for (var i = 0u; i < 4; i++) { c[(row + i) * (N / 4) + column] = values[i]; }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * 8;
  let column = id.x * 2;
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var k = 0u; k < N / 4; k++) {
    let upper = fromA(row, k);
    let lower = fromA(row + 4, k);
    let left = fromB(k, column);
    let right = fromB(k, column + 1);
    aa += left * upper;
    ab += right * upper;
    ba += left * lower;
    bb += right * lower;
  }
  store(row, column, aa);
  store(row, column + 1, ab);
  store(row + 4, column, ba);
  store(row + 4, column + 1, bb);
}
