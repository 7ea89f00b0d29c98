// With p and ds as in backward.query.wgsl:  dk = dsᵀ · q,  dv = pᵀ · dcontext. One workgroup per (block of 16 keys of one text,
// head); the queries of the text pass by in blocks of 16. Four lanes share a key: each takes four queries of a block and keeps
// every fourth channel.
//   0 qkv        (T, 3H)
//   1 cuSeqlens  (S + 1)
//   2 blocks     (blocks)  first token, text
//   3 logSumExp  (T, N)
//   4 delta      (T, N)
//   5 dcontext   (T, H)
//   6 dqkv       (T, 3H)   out: the key and value thirds

override H: u32 = 8;
override D: u32 = 8;
const BLOCK = 16u;
const LANES = 4u;
const MAX_CHANNELS = 32u; // of one lane: a head has at most 128

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cuSeqlens: array<u32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec2u>;
@group(0) @binding(3) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read> dcontext: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<f32>;

var<workgroup> weights: array<f32, BLOCK * BLOCK>;
var<workgroup> dscores: array<f32, BLOCK * BLOCK>;

@compute @workgroup_size(BLOCK * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let text = blocks[group.x].y;
  let start = cuSeqlens[text];
  let end = cuSeqlens[text + 1];
  let head = group.y;
  let row = thread / LANES;
  let lane = thread % LANES;
  let t = blocks[group.x].x + row;
  let key = min(t, end - 1) * 3 * H + H + head * D;
  let value = key + H;
  let scale = 1.0 / sqrt(f32(D));

  var dk: array<f32, MAX_CHANNELS>;
  var dv: array<f32, MAX_CHANNELS>;
  for (var block = start; block < end; block += BLOCK) {
    for (var j = 0u; j < LANES; j++) {
      let i = block + lane * LANES + j;
      let inside = min(i, end - 1);
      let query = inside * 3 * H + head * D;
      let out = inside * H + head * D;
      var score = 0.0;
      var dweight = 0.0;
      for (var c = 0u; c < D; c++) {
        score += qkv[query + c] * qkv[key + c];
        dweight += dcontext[out + c] * qkv[value + c];
      }
      let at = inside * (H / D) + head;
      let p = select(0.0, exp(score * scale - logSumExp[at]), i < end);
      weights[row * BLOCK + lane * LANES + j] = p;
      dscores[row * BLOCK + lane * LANES + j] = p * (dweight - delta[at]) * scale;
    }
    workgroupBarrier();

    for (var i = 0u; i * LANES < D; i++) {
      let c = head * D + min(lane + i * LANES, D - 1);
      var sumK = dk[i];
      var sumV = dv[i];
      for (var j = 0u; j < BLOCK; j++) {
        let query = min(block + j, end - 1);
        sumK += dscores[row * BLOCK + j] * qkv[query * 3 * H + c];
        sumV += weights[row * BLOCK + j] * dcontext[query * H + c];
      }
      dk[i] = sumK;
      dv[i] = sumV;
    }
    workgroupBarrier();
  }

  if (t >= end) { return; }
  for (var i = 0u; i * LANES < D; i++) {
    let c = lane + i * LANES;
    if (c < D) {
      dqkv[key + c] = dk[i];
      dqkv[value + c] = dv[i];
    }
  }
}
