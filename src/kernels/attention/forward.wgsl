// context = softmax(q · kᵀ / √D) · v for each text and head on its own, by online softmax (Milakov and Gimelshein, 2018; Dao et al.,
// FlashAttention, 2022): no (T, T) matrix is made. One workgroup per (block of 32 queries of one text, head); the keys of the text
// pass by in blocks of 32. A thread scores four queries against four keys, and sums four channels of the same four queries.
//   0 qkv        (T, 3H)   query, key and value of a token, head after head
//   1 cuSeqlens  (S + 1)
//   2 blocks     (blocks)  first token, text
//   3 context    (T, H)    out
//   4 logSumExp  (T, N)    out, of the scaled scores; kept for the backward pass

override H: u32 = 8;
override D: u32 = 8;
const SIDE = 8u; // threads along a block's side, each with four of its rows and four of its columns
const BLOCK = 4 * SIDE;
const TILES = 4u; // of four channels, of one thread: a head has at most 4 · 4 · SIDE = 128
const LOWEST = -1.0e30;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cuSeqlens: array<u32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> context: array<f32>;
@group(0) @binding(4) var<storage, read_write> logSumExp: array<f32>;

// Of four queries each: [thread along the keys][thread along the queries], and [key][thread along the queries].
var<workgroup> highs: array<vec4f, SIDE * SIDE>;
var<workgroup> weights: array<vec4f, BLOCK * SIDE>;

fn fromQkv(at: vec4u) -> vec4f { return vec4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }

// Row i holds x[i] · w.
fn outer(x: vec4f, w: vec4f) -> mat4x4f { return mat4x4f(x.x * w, x.y * w, x.z * w, x.w * w); }

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let text = blocks[group.x].y;
  let start = cuSeqlens[text];
  let end = cuSeqlens[text + 1];
  let head = group.y * D;
  let scale = 1.0 / sqrt(f32(D));
  let low = vec4u(0, 1, 2, 3);
  let query = blocks[group.x].x + 4 * thread.y + low;
  let q = min(query, vec4u(end - 1)) * 3 * H + head;

  var acc: array<mat4x4f, TILES>; // (query, channel)
  var highest = vec4f(LOWEST);
  var total = vec4f();
  for (var block = start; block < end; block += BLOCK) {
    let key = block + 4 * thread.x + low;
    let k = min(key, vec4u(end - 1)) * 3 * H + H + head;
    var products = mat4x4f(); // (key, query)
    for (var c = 0u; c < D; c++) { products += outer(fromQkv(k + c), fromQkv(q + c)); }
    let inside = key < vec4u(end);
    let score0 = select(vec4f(LOWEST), products[0] * scale, inside.x);
    let score1 = select(vec4f(LOWEST), products[1] * scale, inside.y);
    let score2 = select(vec4f(LOWEST), products[2] * scale, inside.z);
    let score3 = select(vec4f(LOWEST), products[3] * scale, inside.w);
    highs[thread.x * SIDE + thread.y] = max(max(score0, score1), max(score2, score3));
    workgroupBarrier();

    var top = highest;
    for (var i = 0u; i < SIDE; i++) { top = max(top, highs[i * SIDE + thread.y]); }
    let shrink = exp(highest - top);
    highest = top;
    let at = 4 * thread.x * SIDE + thread.y;
    weights[at] = exp(score0 - top);
    weights[at + SIDE] = exp(score1 - top);
    weights[at + 2 * SIDE] = exp(score2 - top);
    weights[at + 3 * SIDE] = exp(score3 - top);
    workgroupBarrier();

    total *= shrink;
    for (var j = 0u; j < BLOCK; j++) { total += weights[j * SIDE + thread.y]; }
    for (var i = 0u; 4 * SIDE * i < D; i++) {
      let channel = 2 * H + head + min(4 * (thread.x + SIDE * i) + low, vec4u(D - 1));
      var sum = mat4x4f(acc[i][0] * shrink.x, acc[i][1] * shrink.y, acc[i][2] * shrink.z, acc[i][3] * shrink.w);
      for (var j = 0u; j < min(BLOCK, end - block); j++) {
        sum += outer(weights[j * SIDE + thread.y], fromQkv((block + j) * 3 * H + channel));
      }
      acc[i] = sum;
    }
  }

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
