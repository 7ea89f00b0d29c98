// With p = exp(q · kᵀ / √D + bias - logSumExp) and ds = p · (dcontext · vᵀ - delta) / √D:  dq = ds · k (Dao, FlashAttention-2, 2023,
// algorithm 2), where delta is the sum over a query's keys of p times its gradient. That is dcontext · context, with dropout too: what it
// leaves out of the gradient of p it has left out of the context. One workgroup per (block of 32 queries of one text, head); threads, REACH and WINDOW as in forward.wgsl.
//   0 counts    this step's seed, and number of the first token
//   1 qkv        (T, 3H)
//   2 blocks     (blocks)  first token; first token of its text, and the one behind its last
//   3 bias       (N, 2 · REACH - 1)
//   4 logSumExp  (T, N)
//   5 context    (T, H)
//   6 dcontext   (T, H)
//   7 delta      (T, N)    out
//   8 dqkv       (T, 3H)   out: the query third

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
@group(0) @binding(5) var<storage, read> context: array<f32>;
@group(0) @binding(6) var<storage, read> dcontext: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dqkv: array<f32>;

var<workgroup> deltas: array<f32, BLOCK>;
// Of four queries each: [key][thread along the queries].
var<workgroup> dscores: array<vec4f, BLOCK * SIDE>;

fn fromQkv(at: vec4u) -> vec4f { return vec4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }
fn fromDcontext(at: vec4u) -> vec4f { return vec4f(dcontext[at.x], dcontext[at.y], dcontext[at.z], dcontext[at.w]); }
fn fromLogSumExp(at: vec4u) -> vec4f { return vec4f(logSumExp[at.x], logSumExp[at.y], logSumExp[at.z], logSumExp[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

// First token that a query of the block may see, and the one behind the last.
fn inReach(block: vec4u) -> vec2u {
  if (WINDOW == 0) { return block.yz; }
  return vec2u(block.x - min(WINDOW, block.x - block.y), min(block.z, block.x + BLOCK + WINDOW));
}

// x where the queries see the key, else nothing.
fn seen(x: vec4f, key: u32, query: vec4u) -> vec4f {
  if (WINDOW == 0) { return x; }
  let apart = max(query, vec4u(key)) - min(query, vec4u(key));
  return select(vec4f(), x, apart <= vec4u(WINDOW));
}

fn biased(score: vec4f, key: u32, query: vec4u, head: u32) -> vec4f {
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

// x with the weights of a key that are dropped set to nothing, and the others scaled up.
fn dropped(x: vec4f, key: u32, query: vec4u, head: u32) -> vec4f {
  if (THRESHOLD == 0) { return x; }
  return select(x / KEPT, vec4f(), hash(query + counts.firstToken, vec4u((head << 16) + key)) < vec4u(THRESHOLD));
}

fn deltaOf(token: u32, head: u32) -> f32 {
  var sum = 0.0;
  for (var c = token * H + head; c < token * H + head + D; c++) { sum += context[c] * dcontext[c]; }
  return sum;
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u, @builtin(local_invocation_index) i: u32) {
  let first = blocks[group.x].x;
  let start = blocks[group.x].y;
  let end = blocks[group.x].z;
  let keys = inReach(blocks[group.x]);
  let head = group.y * D;
  let scale = 1.0 / sqrt(f32(D));
  let low = vec4u(0, 1, 2, 3);
  let query = first + 4 * thread.y + low;
  let clamped = min(query, vec4u(end - 1));
  let q = clamped * 3 * H + head;
  let lse = fromLogSumExp(clamped * (H / D) + group.y);

  let own = first + i;
  if (i < BLOCK && own < end) {
    deltas[i] = deltaOf(own, head);
    delta[own * (H / D) + group.y] = deltas[i];
  }
  workgroupBarrier();
  let rows = 4 * thread.y + low;
  let along = vec4f(deltas[rows.x], deltas[rows.y], deltas[rows.z], deltas[rows.w]);

  var acc: array<mat4x4f, TILES>; // (query, channel)
  for (var block = keys.x; block < keys.y; block += BLOCK) {
    let key = min(block + 4 * thread.x + low, vec4u(end - 1));
    let k = key * 3 * H + H + head;
    var products = mat4x4f(); // (key, query)
    var dweights = mat4x4f();
    for (var c = 0u; c < D; c++) {
      products += outer(fromQkv(k + c), fromQkv(q + c));
      dweights += outer(fromQkv(k + H + c), fromDcontext(clamped * H + head + c));
    }
    let at = 4 * thread.x * SIDE + thread.y;
    let score0 = biased(products[0] * scale, key.x, clamped, group.y);
    let score1 = biased(products[1] * scale, key.y, clamped, group.y);
    let score2 = biased(products[2] * scale, key.z, clamped, group.y);
    let score3 = biased(products[3] * scale, key.w, clamped, group.y);
    dscores[at] = seen(exp(score0 - lse) * (dropped(dweights[0], key.x - start, query, group.y) - along) * scale, key.x, clamped);
    dscores[at + SIDE] = seen(exp(score1 - lse) * (dropped(dweights[1], key.y - start, query, group.y) - along) * scale, key.y, clamped);
    dscores[at + 2 * SIDE] = seen(exp(score2 - lse) * (dropped(dweights[2], key.z - start, query, group.y) - along) * scale, key.z, clamped);
    dscores[at + 3 * SIDE] = seen(exp(score3 - lse) * (dropped(dweights[3], key.w - start, query, group.y) - along) * scale, key.w, clamped);
    workgroupBarrier();

    for (var i = 0u; 4 * SIDE * i < D; i++) {
      let channel = H + head + min(4 * (thread.x + SIDE * i) + low, vec4u(D - 1));
      var sum = acc[i];
      for (var j = 0u; j < min(BLOCK, keys.y - block); j++) {
        sum += outer(dscores[j * SIDE + thread.y], fromQkv((block + j) * 3 * H + channel));
      }
      acc[i] = sum;
    }
    workgroupBarrier();
  }

  for (var row = 0u; row < 4; row++) {
    if (query[row] >= end) { break; }
    for (var i = 0u; 4 * SIDE * i < D; i++) {
      for (var j = 0u; j < 4; j++) {
        let c = 4 * (thread.x + SIDE * i) + j;
        if (c < D) { dqkv[q[row] + c] = acc[i][row][j]; }
      }
    }
  }
}
