// context = softmax(q · kᵀ / √D) · v for each text and head on its own, by online softmax (Milakov and Gimelshein, 2018; Dao et al.,
// FlashAttention, 2022): no (T, T) matrix is made. One workgroup per (block of 16 queries of one text, head); the keys of the text
// pass by in blocks of 16. Four lanes share a query: each scores four keys of a block and keeps every fourth channel.
//   0 qkv        (T, 3H)   query, key and value of a token, head after head
//   1 cuSeqlens  (S + 1)
//   2 blocks     (blocks)  first token, text
//   3 context    (T, H)    out
//   4 logSumExp  (T, N)    out, of the scaled scores; kept for the backward pass

override H: u32 = 8;
override D: u32 = 8;
const BLOCK = 16u;
const LANES = 4u;
const MAX_CHANNELS = 32u; // of one lane: a head has at most 128
const LOWEST = -1.0e30;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cuSeqlens: array<u32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> context: array<f32>;
@group(0) @binding(4) var<storage, read_write> logSumExp: array<f32>;

var<workgroup> scores: array<f32, BLOCK * BLOCK>;
var<workgroup> weights: array<f32, BLOCK * BLOCK>;

@compute @workgroup_size(BLOCK * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let text = blocks[group.x].y;
  let start = cuSeqlens[text];
  let end = cuSeqlens[text + 1];
  let head = group.y;
  let row = thread / LANES;
  let lane = thread % LANES;
  let t = blocks[group.x].x + row;
  let query = min(t, end - 1) * 3 * H + head * D;
  let scale = 1.0 / sqrt(f32(D));

  var acc: array<f32, MAX_CHANNELS>;
  var highest = LOWEST;
  var total = 0.0;
  for (var block = start; block < end; block += BLOCK) {
    let first = block + lane * LANES;
    let keys = min(vec4u(first, first + 1, first + 2, first + 3), vec4u(end - 1)) * 3 * H + H + head * D;
    var score = vec4f(0);
    for (var c = 0u; c < D; c++) {
      score += qkv[query + c] * vec4f(qkv[keys.x + c], qkv[keys.y + c], qkv[keys.z + c], qkv[keys.w + c]);
    }
    score = select(vec4f(LOWEST), score * scale, vec4u(first, first + 1, first + 2, first + 3) < vec4u(end));
    let tile = row * BLOCK + lane * LANES;
    for (var j = 0u; j < LANES; j++) { scores[tile + j] = score[j]; }
    workgroupBarrier();

    var top = highest;
    for (var j = 0u; j < BLOCK; j++) { top = max(top, scores[row * BLOCK + j]); }
    for (var j = 0u; j < LANES; j++) { weights[tile + j] = exp(score[j] - top); }
    let shrink = exp(highest - top);
    highest = top;
    workgroupBarrier();

    total *= shrink;
    for (var j = 0u; j < BLOCK; j++) { total += weights[row * BLOCK + j]; }
    for (var i = 0u; i * LANES < D; i++) {
      let c = 2 * H + head * D + min(lane + i * LANES, D - 1);
      var sum = acc[i] * shrink;
      for (var j = 0u; j < BLOCK; j++) { sum += weights[row * BLOCK + j] * qkv[min(block + j, end - 1) * 3 * H + c]; }
      acc[i] = sum;
    }
  }

  if (t >= end) { return; }
  for (var i = 0u; i * LANES < D; i++) {
    let c = lane + i * LANES;
    if (c < D) { context[t * H + head * D + c] = acc[i] / total; }
  }
  if (lane == 0) { logSumExp[t * (H / D) + head] = highest + log(total); }
}
