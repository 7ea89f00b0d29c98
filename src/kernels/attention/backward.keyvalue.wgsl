// With p and ds as in backward.query.wgsl:  dk = dsᵀ · q,  dv = pᵀ · dcontext. One workgroup per (block of 32 keys of one text,
// head); the queries of the text pass by in blocks of 32. A thread scores four keys against four queries, and sums four channels
// of the same four keys. REACH and WINDOW as in forward.wgsl.
//   0 counts    this step's seed, and number of the first token
//   1 qkv        (T, 3H)
//   2 blocks     (blocks)  first token; first token of its text, and the one behind its last
//   3 bias       (N, 2 · REACH - 1)
//   4 logSumExp  (T, N)
//   5 delta      (T, N)
//   6 dcontext   (T, H)
//   7 dqkv       (T, 3H)   out: the key and value thirds

override H: u32 = 8;
override D: u32 = 8;
override REACH: u32 = 0;
override WINDOW: u32 = 0;
override SITE: u32 = 0;
override THRESHOLD: u32 = 0;
override KEPT: f32 = 1;
const SIDE = 8u; // threads along a block's side, each with four of its rows and four of its columns
const BLOCK = 4 * SIDE;
const TILES = 4u; // of four channels, of one thread: a head has at most 4 · 4 · SIDE = 128

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> dcontext: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;

// Of four keys each: [query][thread along the keys].
var<workgroup> weights: array<vec4f, BLOCK * SIDE>;
var<workgroup> dscores: array<vec4f, BLOCK * SIDE>;

fn fromQkv(at: vec4u) -> vec4f { return vec4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }
fn fromDcontext(at: vec4u) -> vec4f { return vec4f(dcontext[at.x], dcontext[at.y], dcontext[at.z], dcontext[at.w]); }
fn fromLogSumExp(at: vec4u) -> vec4f { return vec4f(logSumExp[at.x], logSumExp[at.y], logSumExp[at.z], logSumExp[at.w]); }
fn fromDelta(at: vec4u) -> vec4f { return vec4f(delta[at.x], delta[at.y], delta[at.z], delta[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

// First token whose query may see a key of the block, and the one behind the last.
fn inReach(block: vec4u) -> vec2u {
  if (WINDOW == 0) { return block.yz; }
  return vec2u(block.x - min(WINDOW, block.x - block.y), min(block.z, block.x + BLOCK + WINDOW));
}

// x where the query sees the keys, else nothing.
fn seen(x: vec4f, key: vec4u, query: u32) -> vec4f {
  if (WINDOW == 0) { return x; }
  let apart = max(key, vec4u(query)) - min(key, vec4u(query));
  return select(vec4f(), x, apart <= vec4u(WINDOW));
}

fn biased(score: vec4f, key: vec4u, query: u32, head: u32) -> vec4f {
  if (REACH == 0) { return score; }
  let at = head * (2 * REACH - 1) + REACH - 1 + key - query;
  return score + vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
}

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

// x with the weights of a query that are dropped set to nothing, and the others scaled up.
fn dropped(x: vec4f, key: vec4u, query: u32, head: u32) -> vec4f {
  if (THRESHOLD == 0) { return x; }
  return select(x / KEPT, vec4f(), hash(vec4u(query + counts.firstToken), (head << 16) + key) < vec4u(THRESHOLD));
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let first = blocks[group.x].x;
  let start = blocks[group.x].y;
  let end = blocks[group.x].z;
  let queries = inReach(blocks[group.x]);
  let head = group.y * D;
  let scale = 1.0 / sqrt(f32(D));
  let low = vec4u(0, 1, 2, 3);
  let key = first + 4 * thread.y + low;
  let clamped = min(key, vec4u(end - 1));
  let k = clamped * 3 * H + H + head;

  var dk: array<mat4x4f, TILES>; // (key, channel)
  var dv: array<mat4x4f, TILES>;
  for (var block = queries.x; block < queries.y; block += BLOCK) {
    let query = min(block + 4 * thread.x + low, vec4u(end - 1));
    let q = query * 3 * H + head;
    var products = mat4x4f(); // (query, key)
    var dweights = mat4x4f();
    for (var c = 0u; c < D; c++) {
      products += outer(fromQkv(q + c), fromQkv(k + c));
      dweights += outer(fromDcontext(query * H + head + c), fromQkv(k + H + c));
    }
    let lse = fromLogSumExp(query * (H / D) + group.y);
    let along = fromDelta(query * (H / D) + group.y);
    for (var i = 0u; i < 4; i++) {
      let p = seen(exp(biased(products[i] * scale, clamped, query[i], group.y) - lse[i]), clamped, query[i]);
      let at = (4 * thread.x + i) * SIDE + thread.y;
      weights[at] = dropped(p, key - start, query[i], group.y);
      dscores[at] = p * (dropped(dweights[i], key - start, query[i], group.y) - along[i]) * scale;
    }
    workgroupBarrier();

    for (var i = 0u; 4 * SIDE * i < D; i++) {
      let channel = head + min(4 * (thread.x + SIDE * i) + low, vec4u(D - 1));
      var sumK = dk[i];
      var sumV = dv[i];
      for (var j = 0u; j < min(BLOCK, queries.y - block); j++) {
        sumK += outer(dscores[j * SIDE + thread.y], fromQkv((block + j) * 3 * H + channel));
        sumV += outer(weights[j * SIDE + thread.y], fromDcontext((block + j) * H + channel));
      }
      dk[i] = sumK;
      dv[i] = sumV;
    }
    workgroupBarrier();
  }

  for (var row = 0u; row < 4; row++) {
    if (key[row] >= end) { break; }
    for (var i = 0u; 4 * SIDE * i < D; i++) {
      for (var j = 0u; j < 4; j++) {
        let c = 4 * (thread.x + SIDE * i) + j;
        if (c < D) {
          dqkv[k[row] + c] = dk[i][row][j];
          dqkv[k[row] + H + c] = dv[i][row][j];
        }
      }
    }
  }
}
