// backward.query.wgsl for heads whose channels are a multiple of four, with tiles and threads as in forward.vec4.wgsl. Bindings as in
// backward.query.wgsl, 1, 5, 6 and 8 as vec4.

override H: u32 = 8;
override D: u32 = 8;
override REACH: u32 = 0;
override WINDOW: u32 = 0;
override SITE: u32 = 0;
override THRESHOLD: u32 = 0;
override KEPT: f32 = 1;
// Tiles of eight channels; where the eight threads are more than these, they take the keys of a step in turn.
override CHANNELS: u32 = min(8, (D + 7) / 8);
override SHARES: u32 = 8 / CHANNELS;
const TILE = 8u;
const BLOCK = 4 * TILE;
const STEP = 8 * TILE;
const LOWEST = -1.0e30;

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32 }
// Eight rows by eight columns, in quarters. Row i of a quarter is its vector i.
struct Tile { aa: mat4x4f, ab: mat4x4f, ba: mat4x4f, bb: mat4x4f }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(5) var<storage, read> context: array<vec4f>;
@group(0) @binding(6) var<storage, read> dcontext: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dqkv: array<vec4f>;

var<workgroup> deltas: array<f32, BLOCK>;
var<workgroup> weights: array<vec4f, 512>; // gradients of four scores each: [key / 4][row of a thread][thread along the queries]

fn fromDcontext(at: vec4u) -> mat4x4f { return mat4x4f(dcontext[at.x], dcontext[at.y], dcontext[at.z], dcontext[at.w]); }
fn fromLogSumExp(at: vec4u) -> vec4f { return vec4f(logSumExp[at.x], logSumExp[at.y], logSumExp[at.z], logSumExp[at.w]); }
fn fromQkv(at: vec4u) -> mat4x4f { return mat4x4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }

fn keep(at: u32, x: mat4x4f) {
  weights[at] = x[0];
  weights[at + 4] = x[1];
  weights[at + 8] = x[2];
  weights[at + 12] = x[3];
}
fn kept(at: u32) -> mat4x4f { return mat4x4f(weights[at], weights[at + 4], weights[at + 8], weights[at + 12]); }

// First token that a query of the block may see, and the one behind the last.
fn inReach(block: vec4u) -> vec2u {
  if (WINDOW == 0) { return block.yz; }
  return vec2u(block.x - min(WINDOW, block.x - block.y), min(block.z, block.x + BLOCK + WINDOW));
}

// Of the rows that start at x, the columns at y.
fn products(xA: vec4u, xB: vec4u, yA: vec4u, yB: vec4u) -> Tile {
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var c = 0u; c < D / 4; c++) {
    let rowsA = fromQkv(xA + c);
    let rowsB = fromQkv(xB + c);
    let columnsA = transpose(fromQkv(yA + c));
    let columnsB = transpose(fromQkv(yB + c));
    aa += columnsA * rowsA;
    ab += columnsB * rowsA;
    ba += columnsA * rowsB;
    bb += columnsB * rowsB;
  }
  return Tile(aa, ab, ba, bb);
}

// Of the rows that start at x, the columns at y.
fn dproducts(xA: vec4u, xB: vec4u, yA: vec4u, yB: vec4u) -> Tile {
  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var c = 0u; c < D / 4; c++) {
    let rowsA = fromDcontext(xA + c);
    let rowsB = fromDcontext(xB + c);
    let columnsA = transpose(fromQkv(yA + c));
    let columnsB = transpose(fromQkv(yB + c));
    aa += columnsA * rowsA;
    ab += columnsB * rowsA;
    ba += columnsA * rowsB;
    bb += columnsB * rowsB;
  }
  return Tile(aa, ab, ba, bb);
}

// A query's scores with the bias, and lowest where it does not see the key.
fn seen(score: vec4f, query: u32, key: vec4u, head: u32) -> vec4f {
  var s = score;
  if (REACH > 0) {
    let at = head * (2 * REACH - 1) + REACH - 1 + key - query;
    s += vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
  }
  if (WINDOW > 0) {
    let apart = max(key, vec4u(query)) - min(key, vec4u(query));
    s = select(vec4f(LOWEST), s, apart <= vec4u(WINDOW));
  }
  return s;
}

fn softmax(x: mat4x4f, lse: vec4f, query: vec4u, key: vec4u, end: u32, head: u32) -> mat4x4f {
  let scale = 1.0 / sqrt(f32(D));
  let gone = select(vec4f(LOWEST), vec4f(), key < vec4u(end));
  let near = min(key, vec4u(end - 1));
  return mat4x4f(
    exp(seen(x[0] * scale + (gone - lse.x), query.x, near, head)),
    exp(seen(x[1] * scale + (gone - lse.y), query.y, near, head)),
    exp(seen(x[2] * scale + (gone - lse.z), query.z, near, head)),
    exp(seen(x[3] * scale + (gone - lse.w), query.w, near, head)),
  );
}

// pcg3d (Jarzynski and Olano, 2020) of a query and keys: src/encoder/dropout.ts.
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

fn dropRow(x: vec4f, query: u32, place: vec4u, head: u32) -> vec4f {
  return select(x / KEPT, vec4f(), hash(vec4u(query + counts.firstToken), (head << 16) + place) < vec4u(THRESHOLD));
}

// x with what belongs to dropped weights set to nothing, and the rest scaled up. `place` is that of the keys in their text.
fn dropped(x: mat4x4f, query: vec4u, place: vec4u, head: u32) -> mat4x4f {
  if (THRESHOLD == 0) { return x; }
  return mat4x4f(
    dropRow(x[0], query.x, place, head),
    dropRow(x[1], query.y, place, head),
    dropRow(x[2], query.z, place, head),
    dropRow(x[3], query.w, place, head),
  );
}

fn dscores(p: mat4x4f, dp: mat4x4f, along: vec4f) -> mat4x4f {
  let scale = 1.0 / sqrt(f32(D));
  return mat4x4f(
    p[0] * (dp[0] - along.x) * scale,
    p[1] * (dp[1] - along.y) * scale,
    p[2] * (dp[2] - along.z) * scale,
    p[3] * (dp[3] - along.w) * scale,
  );
}

// The sum of what the threads of a tile of channels have, for the first of them.
fn gathered(own: Tile, thread: vec3u) -> Tile {
  if (SHARES == 1) { return own; }
  var sum = own;
  workgroupBarrier();
  let at = 64 * thread.y + thread.x;
  keep(at, own.aa);
  keep(at + 16, own.ab);
  keep(at + 32, own.ba);
  keep(at + 48, own.bb);
  workgroupBarrier();
  for (var i = 1u; i < SHARES && thread.y < CHANNELS; i++) {
    let other = at + 64 * i * CHANNELS;
    sum.aa += kept(other);
    sum.ab += kept(other + 16);
    sum.ba += kept(other + 32);
    sum.bb += kept(other + 48);
  }
  return sum;
}

fn store(x: mat4x4f, query: vec4u, channel: u32, group: vec3u) {
  if (channel >= D / 4) { return; }
  for (var i = 0u; i < 4 && query[i] < blocks[group.x].z; i++) {
    dqkv[(query[i] * 3 * H + group.y * D) / 4 + channel] = x[i];
  }
}

fn deltaOf(token: u32, head: u32) -> f32 {
  var sum = 0.0;
  for (var c = (token * H + head * D) / 4; c < (token * H + head * D + D) / 4; c++) { sum += dot(context[c], dcontext[c]); }
  return sum;
}

@compute @workgroup_size(4, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u, @builtin(local_invocation_index) i: u32) {
  let first = blocks[group.x].x;
  let start = blocks[group.x].y;
  let end = blocks[group.x].z;
  let keys = inReach(blocks[group.x]);
  let row = 3 * H / 4;
  let head = group.y * D / 4;
  let N = H / D;
  let low = vec4u(0, 1, 2, 3);
  let queryA = first + TILE * thread.x + low;
  let queryB = queryA + 4;
  let nearA = min(queryA, vec4u(end - 1));
  let nearB = min(queryB, vec4u(end - 1));
  let channel = 2 * (thread.y % CHANNELS + 8 * group.z);
  let share = thread.y / CHANNELS;
  let channelA = row / 3 + head + min(channel, D / 4 - 1);
  let channelB = row / 3 + head + min(channel + 1, D / 4 - 1);

  deltas[i] = deltaOf(min(first + i, end - 1), group.y);
  if (first + i < end && group.z == 0) { delta[(first + i) * N + group.y] = deltas[i]; }
  workgroupBarrier();
  let own = TILE * thread.x;
  let alongA = vec4f(deltas[own], deltas[own + 1], deltas[own + 2], deltas[own + 3]);
  let alongB = vec4f(deltas[own + 4], deltas[own + 5], deltas[own + 6], deltas[own + 7]);
  let lseA = fromLogSumExp(nearA * N + group.y);
  let lseB = fromLogSumExp(nearB * N + group.y);

  var acc = Tile(); // (query, channel)
  for (var block = keys.x; block < keys.y; block += STEP) {
    let keyA = block + TILE * thread.y + low;
    let keyB = keyA + 4;
    if (keyA.x < keys.y) {
      let kA = min(keyA, vec4u(end - 1)) * row + row / 3 + head;
      let kB = min(keyB, vec4u(end - 1)) * row + row / 3 + head;
      let s = products(nearA * row + head, nearB * row + head, kA, kB); // (query, key)
      let p = Tile(
        softmax(s.aa, lseA, nearA, keyA, end, group.y),
        softmax(s.ab, lseA, nearA, keyB, end, group.y),
        softmax(s.ba, lseB, nearB, keyA, end, group.y),
        softmax(s.bb, lseB, nearB, keyB, end, group.y),
      );
      let dp = dproducts(nearA * (H / 4) + head, nearB * (H / 4) + head, kA + row / 3, kB + row / 3);
      let at = 64 * thread.y + thread.x;
      keep(at, dscores(p.aa, dropped(dp.aa, queryA, keyA - start, group.y), alongA));
      keep(at + 16, dscores(p.ba, dropped(dp.ba, queryB, keyA - start, group.y), alongB));
      keep(at + 32, dscores(p.ab, dropped(dp.ab, queryA, keyB - start, group.y), alongA));
      keep(at + 48, dscores(p.bb, dropped(dp.bb, queryB, keyB - start, group.y), alongB));
    }
    workgroupBarrier();

    if (share < SHARES) {
      var aa = acc.aa;
      var ab = acc.ab;
      var ba = acc.ba;
      var bb = acc.bb;
      for (var j = 4 * share; j < min(STEP, keys.y - block); j += 4 * SHARES) {
        let k = min(block + j + low, vec4u(end - 1)) * row;
        let keysA = fromQkv(k + channelA);
        let keysB = fromQkv(k + channelB);
        let weightsA = kept(8 * j + thread.x);
        let weightsB = kept(8 * j + 16 + thread.x);
        aa += keysA * weightsA;
        ab += keysB * weightsA;
        ba += keysA * weightsB;
        bb += keysB * weightsB;
      }
      acc = Tile(aa, ab, ba, bb);
    }
    workgroupBarrier();
  }

  acc = gathered(acc, thread);
  if (share > 0) { return; }
  store(acc.aa, queryA, channel, group);
  store(acc.ab, queryA, channel + 1, group);
  store(acc.ba, queryB, channel, group);
  store(acc.bb, queryB, channel + 1, group);
}
