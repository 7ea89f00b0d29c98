// With p = exp(q · kᵀ / √D - logSumExp) and ds = p · (dcontext · vᵀ - delta) / √D:  dq = ds · k (Dao, FlashAttention-2, 2023,
// algorithm 2). One workgroup per (block of 16 queries of one text, head); lanes as in forward.wgsl.
//   0 qkv        (T, 3H)
//   1 cuSeqlens  (S + 1)
//   2 blocks     (blocks)  first token, text
//   3 logSumExp  (T, N)
//   4 delta      (T, N)
//   5 dcontext   (T, H)
//   6 dqkv       (T, 3H)   out: the query third

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
  let inside = min(t, end - 1);
  let query = inside * 3 * H + head * D;
  let out = inside * H + head * D;
  let lse = logSumExp[inside * (H / D) + head];
  let along = delta[inside * (H / D) + head];
  let scale = 1.0 / sqrt(f32(D));

  var acc: array<f32, MAX_CHANNELS>;
  for (var block = start; block < end; block += BLOCK) {
    let first = block + lane * LANES;
    let keys = min(vec4u(first, first + 1, first + 2, first + 3), vec4u(end - 1)) * 3 * H + H + head * D;
    var score = vec4f(0);
    var dweight = vec4f(0);
    for (var c = 0u; c < D; c++) {
      let k = keys + c;
      let v = k + H;
      score += qkv[query + c] * vec4f(qkv[k.x], qkv[k.y], qkv[k.z], qkv[k.w]);
      dweight += dcontext[out + c] * vec4f(qkv[v.x], qkv[v.y], qkv[v.z], qkv[v.w]);
    }
    let ds = exp(score * scale - lse) * (dweight - along) * scale;
    let kept = select(vec4f(0), ds, vec4u(first, first + 1, first + 2, first + 3) < vec4u(end));
    for (var j = 0u; j < LANES; j++) { dscores[row * BLOCK + lane * LANES + j] = kept[j]; }
    workgroupBarrier();

    for (var i = 0u; i * LANES < D; i++) {
      let c = H + head * D + min(lane + i * LANES, D - 1);
      var sum = acc[i];
      for (var j = 0u; j < BLOCK; j++) { sum += dscores[row * BLOCK + j] * qkv[min(block + j, end - 1) * 3 * H + c]; }
      acc[i] = sum;
    }
    workgroupBarrier();
  }

  if (t >= end) { return; }
  for (var i = 0u; i * LANES < D; i++) {
    let c = lane + i * LANES;
    if (c < D) { dqkv[query + c] = acc[i]; }
  }
}
