// context = softmax(q · kᵀ / √D + bias) · v for each text and head on its own, by online softmax (Milakov and Gimelshein, 2018; Dao et
// al., FlashAttention, 2022): no (T, T) matrix is made. One workgroup per (block of 32 queries of one text, head); the keys of the text
// pass by in blocks of 32. A thread scores four queries against four keys, and sums four channels of the same four queries.
// With REACH = 0 there is no bias, and nothing is read from binding 3. With WINDOW > 0 a query sees so many keys on each side of it.
// With THRESHOLD > 0 weights are dropped by the hash of src/encoder/dropout.ts: those below it become 0, the others are divided by KEPT, and
// the log-sum-exp stays that of all.
//   0 counts    this step's seed, and number of the first token
//   1 qkv        (T, 3H)   query, key and value of a token, head after head
//   2 blocks     (blocks)  first token; first token of its text, and the one behind its last
//   3 bias       (N, 2 · REACH - 1)  by the distance from query to key, from 1 - REACH on
//   4 context    (T, H)    out
//   5 logSumExp  (T, N)    out, of the scores; kept for the backward pass

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
const LOWEST = -1.0e30;

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> context: array<f32>;
@group(0) @binding(5) var<storage, read_write> logSumExp: array<f32>;

// Of four queries each: [thread along the keys][thread along the queries], and [key][thread along the queries].
var<workgroup> highs: array<vec4f, SIDE * SIDE>;
var<workgroup> weights: array<vec4f, BLOCK * SIDE>;

fn fromQkv(at: vec4u) -> vec4f { return vec4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

// First token that a query of the block may see, and the one behind the last.
fn inReach(block: vec4u) -> vec2u {
  if (WINDOW == 0) { return block.yz; }
  return vec2u(block.x - min(WINDOW, block.x - block.y), min(block.z, block.x + BLOCK + WINDOW));
}

fn sees(query: vec4u, key: u32, end: u32) -> vec4<bool> {
  if (WINDOW == 0) { return vec4<bool>(key < end); }
  let apart = max(query, vec4u(key)) - min(query, vec4u(key));
  return vec4<bool>(key < end) & (apart <= vec4u(WINDOW));
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

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
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

  var acc: array<mat4x4f, TILES>; // (query, channel)
  var highest = vec4f(LOWEST);
  var total = vec4f();
  for (var block = keys.x; block < keys.y; block += BLOCK) {
    let key = block + 4 * thread.x + low;
    let k = min(key, vec4u(end - 1)) * 3 * H + H + head;
    var products = mat4x4f(); // (key, query)
    for (var c = 0u; c < D; c++) { products += outer(fromQkv(k + c), fromQkv(q + c)); }
    let score0 = select(vec4f(LOWEST), biased(products[0] * scale, key.x, clamped, group.y), sees(clamped, key.x, end));
    let score1 = select(vec4f(LOWEST), biased(products[1] * scale, key.y, clamped, group.y), sees(clamped, key.y, end));
    let score2 = select(vec4f(LOWEST), biased(products[2] * scale, key.z, clamped, group.y), sees(clamped, key.z, end));
    let score3 = select(vec4f(LOWEST), biased(products[3] * scale, key.w, clamped, group.y), sees(clamped, key.w, end));
    highs[thread.x * SIDE + thread.y] = max(max(score0, score1), max(score2, score3));
    workgroupBarrier();

    var top = highest;
    for (var i = 0u; i < SIDE; i++) { top = max(top, highs[i * SIDE + thread.y]); }
    let shrink = exp(highest - top);
    highest = top;
    let at = 4 * thread.x * SIDE + thread.y;
    let weight0 = exp(score0 - top);
    let weight1 = exp(score1 - top);
    let weight2 = exp(score2 - top);
    let weight3 = exp(score3 - top);
    total = total * shrink + (weight0 + weight1) + (weight2 + weight3);
    let place = key - start;
    weights[at] = dropped(weight0, place.x, query, group.y);
    weights[at + SIDE] = dropped(weight1, place.y, query, group.y);
    weights[at + 2 * SIDE] = dropped(weight2, place.z, query, group.y);
    weights[at + 3 * SIDE] = dropped(weight3, place.w, query, group.y);
    workgroupBarrier();

    for (var i = 0u; 4 * SIDE * i < D; i++) {
      let channel = 2 * H + head + min(4 * (thread.x + SIDE * i) + low, vec4u(D - 1));
      var sum = mat4x4f(acc[i][0] * shrink.x, acc[i][1] * shrink.y, acc[i][2] * shrink.z, acc[i][3] * shrink.w);
      for (var j = 0u; j < min(BLOCK, keys.y - block); j++) {
        sum += outer(weights[j * SIDE + thread.y], fromQkv((block + j) * 3 * H + channel));
      }
      acc[i] = sum;
    }
  }

  // Each thread has the weights of its own keys.
  highs[thread.x * SIDE + thread.y] = total;
  workgroupBarrier();
  total = vec4f();
  for (var i = 0u; i < SIDE; i++) { total += highs[i * SIDE + thread.y]; }

  for (var row = 0u; row < 4; row++) {
    if (query[row] >= end) { break; }
    for (var i = 0u; 4 * SIDE * i < D; i++) {
      for (var j = 0u; j < 4; j++) {
        let c = 4 * (thread.x + SIDE * i) + j;
        if (c < D) { context[query[row] * H + head + c] = acc[i][row][j] / total[row]; }
      }
    }
    if (thread.x == 0) { logSumExp[query[row] * (H / D) + group.y] = highest[row] + log(total[row]); }
  }
}
