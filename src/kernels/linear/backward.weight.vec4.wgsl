// backward.weight.wgsl for I and O that are multiples of four, as forward.vec4.wgsl; it takes four tokens a turn.
//   0 counts                 this batch's T
//   1 x        (T, I)         as vec4
//   2 dy       (T, O)         as vec4
//   3 dweight  (PARTS, O, I)  as vec4, out

override I: u32 = 4;
override O: u32 = 4;
override PARTS: u32 = 1;
const TILE = 8u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dweight: array<vec4f>;

// Four tokens by four inputs.
fn fromX(at: vec4u) -> mat4x4f { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
// Four outputs by four tokens; a token past the end counts for nothing.
fn fromDy(at: vec4u, inside: vec4f) -> mat4x4f {
  return transpose(mat4x4f(dy[at.x] * inside.x, dy[at.y] * inside.y, dy[at.z] * inside.z, dy[at.w] * inside.w));
}

fn store(base: u32, row: u32, column: u32, values: vec4f) {
  if (row < O && column < I) { dweight[(base + row * I + column) / 4] = values; }
}

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.y * TILE;
  let c = id.x * TILE;
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
  for (var first = part * share; first < end; first += 4) {
    let t = min(first + low, vec4u(end - 1));
    let inside = select(vec4f(0), vec4f(1), first + low < vec4u(end));
    let dyA = fromDy(t * (O / 4) + rowA, inside);
    let dyB = fromDy(t * (O / 4) + rowB, inside);
    let xA = fromX(t * (I / 4) + columnA);
    let xB = fromX(t * (I / 4) + columnB);
    aa += xA * dyA;
    ab += xB * dyA;
    ba += xA * dyB;
    bb += xB * dyB;
  }

  let base = part * O * I;
  for (var i = 0u; i < 4; i++) {
    store(base, o + i, c, aa[i]);
    store(base, o + i, c + 4, ab[i]);
    store(base, o + 4 + i, c, ba[i]);
    store(base, o + 4 + i, c + 4, bb[i]);
  }
}
