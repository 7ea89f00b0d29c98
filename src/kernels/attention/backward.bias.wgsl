// The gradient of the bias: ds = p · (dcontext · vᵀ - delta) with p as in backward.query.wgsl, summed by the bucket that the distance
// from query to key falls into. One workgroup per (block of 32 queries of one text, head). In a tile of 32 × 32 scores a distance is
// a diagonal: a thread sums one, then one thread a bucket takes the diagonals that are its own, always in the same order. All layers
// share the table: the first to come writes its sums, with ADD = 1 a later one adds its own.
//   0 counts    this step's seed, and number of the first token
//   1 qkv        (T, 3H)
//   2 blocks     (blocks)  first token; first token of its text, and the one behind its last
//   3 bias       (N, 2 · REACH - 1)
//   4 logSumExp  (T, N)
//   5 delta      (T, N)
//   6 dcontext   (T, H)
//   7 buckets    (2 · REACH - 1)
//   8 partial    (blocks, BUCKETS, N)  out

override H: u32 = 8;
override D: u32 = 8;
override REACH: u32 = 32;
override BUCKETS: u32 = 32;
override ADD: u32 = 0;
override SITE: u32 = 0;
override THRESHOLD: u32 = 0;
override KEPT: f32 = 1;
const SIDE = 8u; // threads along a block's side, each with four of its rows and four of its columns
const BLOCK = 4 * SIDE;
const DIAGONALS = 2 * BLOCK - 1;

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> dcontext: array<f32>;
@group(0) @binding(7) var<storage, read> buckets: array<u32>;
@group(0) @binding(8) var<storage, read_write> partial: array<f32>;

// Of four queries each: [key][thread along the queries].
var<workgroup> dscores: array<vec4f, BLOCK * SIDE>;
var<workgroup> diagonals: array<f32, DIAGONALS>;

fn fromQkv(at: vec4u) -> vec4f { return vec4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }
fn fromDcontext(at: vec4u) -> vec4f { return vec4f(dcontext[at.x], dcontext[at.y], dcontext[at.z], dcontext[at.w]); }
fn fromLogSumExp(at: vec4u) -> vec4f { return vec4f(logSumExp[at.x], logSumExp[at.y], logSumExp[at.z], logSumExp[at.w]); }
fn fromDelta(at: vec4u) -> vec4f { return vec4f(delta[at.x], delta[at.y], delta[at.z], delta[at.w]); }
fn fromBias(at: vec4u) -> vec4f { return vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

// pcg3d (Jarzynski and Olano, 2020) of query and key: src/encoder/dropout.ts.
fn hash(row: vec4u, column: vec4u) -> vec4u {
  var x = row * 1664525 + 1013904223;
  var y = column * 1664525 + 1013904223;
  var z = vec4u((counts.seed ^ (SITE * 0x9e3779b9)) * 1664525 + 1013904223);
  x += y * z;
  y += z * x;
  z += x * y;
  x ^= x >> vec4u(16);
  y ^= y >> vec4u(16);
  z ^= z >> vec4u(16);
  return x + y * z;
}

// x with the weights of a key that are dropped set to nothing, and the others scaled up.
fn dropped(x: vec4f, key: u32, query: vec4u, head: u32) -> vec4f {
  if (THRESHOLD == 0) { return x; }
  return select(x / KEPT, vec4f(), hash(query + counts.firstToken, vec4u((head << 16) + key)) < vec4u(THRESHOLD));
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u, @builtin(local_invocation_index) i: u32) {
  let first = blocks[group.x].x;
  let start = blocks[group.x].y;
  let end = blocks[group.x].z;
  let N = H / D;
  let head = group.y * D;
  let scale = 1.0 / sqrt(f32(D));
  let low = vec4u(0, 1, 2, 3);
  let query = first + 4 * thread.y + low;
  let clamped = min(query, vec4u(end - 1));
  let q = clamped * 3 * H + head;
  let lse = fromLogSumExp(clamped * N + group.y);
  let along = fromDelta(clamped * N + group.y);

  var total = 0.0; // of bucket i
  for (var block = start; block < end; block += BLOCK) {
    let key = block + 4 * thread.x + low;
    let at = min(key, vec4u(end - 1));
    let k = at * 3 * H + H + head;
    var products = mat4x4f(); // (key, query)
    var dweights = mat4x4f();
    for (var c = 0u; c < D; c++) {
      products += outer(fromQkv(k + c), fromQkv(q + c));
      dweights += outer(fromQkv(k + H + c), fromDcontext(clamped * H + head + c));
    }
    for (var j = 0u; j < 4; j++) {
      let added = fromBias(group.y * (2 * REACH - 1) + REACH - 1 + at[j] - clamped);
      let ds = exp(products[j] * scale + added - lse) * (dropped(dweights[j], key[j] - start, query, group.y) - along);
      dscores[(4 * thread.x + j) * SIDE + thread.y] = select(vec4f(), ds, vec4<bool>(key[j] < end) & (query < vec4u(end)));
    }
    workgroupBarrier();

    // Diagonal i has the keys that are i - (BLOCK - 1) behind their queries, both counted within the tile.
    if (i < DIAGONALS) {
      var sum = 0.0;
      for (var row = max(i, BLOCK - 1) - i; row < min(BLOCK, DIAGONALS - i); row++) {
        sum += dscores[(row + i + 1 - BLOCK) * SIDE + row / 4][row % 4];
      }
      diagonals[i] = sum;
    }
    workgroupBarrier();

    // Distances of the text are at 0 to 2 · REACH - 2; a tile's may lie beyond, where its diagonals are 0.
    let nearest = i32(REACH + block) - i32(first + BLOCK);
    for (var d = 0u; i < BUCKETS && d < DIAGONALS; d++) {
      let distance = u32(clamp(nearest + i32(d), 0, i32(2 * REACH - 2)));
      if (buckets[distance] == i) { total += diagonals[d]; }
    }
  }

  if (i < BUCKETS) {
    let at = (group.x * BUCKETS + i) * N + group.y;
    if (ADD == 1) { total += partial[at]; }
    partial[at] = total;
  }
}
