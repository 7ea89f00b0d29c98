// backward.keyvalue.wgsl for heads whose channels are a multiple of four, with tiles and threads as in forward.vec4.wgsl, of which the
// four lie along the keys. The queries pass by in steps of 64: their weights meet dcontext, then the gradients of their scores, in
// the same place, the queries. Bindings as in backward.keyvalue.wgsl, 1, 6 and 7 as vec4.

override H: u32 = 8;
override D: u32 = 8;
override REACH: u32 = 0;
override WINDOW: u32 = 0;
override SITE: u32 = 0;
override THRESHOLD: u32 = 0;
override KEPT: f32 = 1;
// Tiles of eight channels; where the eight threads are more than these, they take the queries of a step in turn.
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
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> dcontext: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<vec4f>;

var<workgroup> weights: array<vec4f, 512>; // of four queries each: [query / 4][row of a thread][thread along the keys]

fn fromDcontext(at: vec4u) -> mat4x4f { return mat4x4f(dcontext[at.x], dcontext[at.y], dcontext[at.z], dcontext[at.w]); }
fn fromLogSumExp(at: vec4u) -> vec4f { return vec4f(logSumExp[at.x], logSumExp[at.y], logSumExp[at.z], logSumExp[at.w]); }
fn fromDelta(at: vec4u) -> vec4f { return vec4f(delta[at.x], delta[at.y], delta[at.z], delta[at.w]); }
fn fromQkv(at: vec4u) -> mat4x4f { return mat4x4f(qkv[at.x], qkv[at.y], qkv[at.z], qkv[at.w]); }

fn keep(at: u32, x: mat4x4f) {
  weights[at] = x[0];
  weights[at + 4] = x[1];
  weights[at + 8] = x[2];
  weights[at + 12] = x[3];
}
fn kept(at: u32) -> mat4x4f { return mat4x4f(weights[at], weights[at + 4], weights[at + 8], weights[at + 12]); }

// First token whose query may see a key of the block, and the one behind the last.
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
    let rowsA = fromQkv(xA + c);
    let rowsB = fromQkv(xB + c);
    let columnsA = transpose(fromDcontext(yA + c));
    let columnsB = transpose(fromDcontext(yB + c));
    aa += columnsA * rowsA;
    ab += columnsB * rowsA;
    ba += columnsA * rowsB;
    bb += columnsB * rowsB;
  }
  return Tile(aa, ab, ba, bb);
}

// acc with a step's share of the queries added, times the weights kept of them.
fn addQueries(acc: Tile, block: vec2u, share: u32, channels: vec2u, thread: vec3u) -> Tile {
  var aa = acc.aa;
  var ab = acc.ab;
  var ba = acc.ba;
  var bb = acc.bb;
  for (var j = 4 * share; j < min(STEP, block.y - block.x); j += 4 * SHARES) {
    let at = min(block.x + j + vec4u(0, 1, 2, 3), vec4u(block.y - 1)) * (3 * H / 4);
    let columnsA = fromQkv(at + channels.x);
    let columnsB = fromQkv(at + channels.y);
    let weightsA = kept(8 * j + thread.x);
    let weightsB = kept(8 * j + 16 + thread.x);
    aa += columnsA * weightsA;
    ab += columnsB * weightsA;
    ba += columnsA * weightsB;
    bb += columnsB * weightsB;
  }
  return Tile(aa, ab, ba, bb);
}

// acc with a step's share of the queries' dcontext added, times the weights kept of them.
fn addContexts(acc: Tile, block: vec2u, share: u32, channels: vec2u, thread: vec3u) -> Tile {
  var aa = acc.aa;
  var ab = acc.ab;
  var ba = acc.ba;
  var bb = acc.bb;
  for (var j = 4 * share; j < min(STEP, block.y - block.x); j += 4 * SHARES) {
    let at = min(block.x + j + vec4u(0, 1, 2, 3), vec4u(block.y - 1)) * (H / 4);
    let columnsA = fromDcontext(at + channels.x);
    let columnsB = fromDcontext(at + channels.y);
    let weightsA = kept(8 * j + thread.x);
    let weightsB = kept(8 * j + 16 + thread.x);
    aa += columnsA * weightsA;
    ab += columnsB * weightsA;
    ba += columnsA * weightsB;
    bb += columnsB * weightsB;
  }
  return Tile(aa, ab, ba, bb);
}

// A key's scores with the bias, and lowest where the query does not see it.
fn seen(score: vec4f, key: u32, query: vec4u, head: u32) -> vec4f {
  var s = score;
  if (REACH > 0) {
    let at = head * (2 * REACH - 1) + REACH - 1 + key - query;
    s += vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
  }
  if (WINDOW > 0) {
    let apart = max(query, vec4u(key)) - min(query, vec4u(key));
    s = select(vec4f(LOWEST), s, apart <= vec4u(WINDOW));
  }
  return s;
}

fn softmax(x: mat4x4f, lse: vec4f, key: vec4u, query: vec4u, end: u32, head: u32) -> mat4x4f {
  let scale = 1.0 / sqrt(f32(D));
  let less = select(vec4f(LOWEST), -lse, query < vec4u(end));
  let near = min(query, vec4u(end - 1));
  return mat4x4f(
    exp(seen(x[0] * scale + less, key.x, near, head)),
    exp(seen(x[1] * scale + less, key.y, near, head)),
    exp(seen(x[2] * scale + less, key.z, near, head)),
    exp(seen(x[3] * scale + less, key.w, near, head)),
  );
}

// pcg3d (Jarzynski and Olano, 2020) of a query and key: src/encoder/dropout.ts.
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

fn dropRow(x: vec4f, query: vec4u, place: u32, head: u32) -> vec4f {
  return select(x / KEPT, vec4f(), hash(query + counts.firstToken, vec4u((head << 16) + place)) < vec4u(THRESHOLD));
}

// x with what belongs to dropped weights set to nothing, and the rest scaled up. `place` is that of the keys in their text.
fn dropped(x: mat4x4f, query: vec4u, place: vec4u, head: u32) -> mat4x4f {
  if (THRESHOLD == 0) { return x; }
  return mat4x4f(
    dropRow(x[0], query, place.x, head),
    dropRow(x[1], query, place.y, head),
    dropRow(x[2], query, place.z, head),
    dropRow(x[3], query, place.w, head),
  );
}

fn dscores(p: mat4x4f, dp: mat4x4f, along: vec4f) -> mat4x4f {
  let scale = 1.0 / sqrt(f32(D));
  return mat4x4f(
    p[0] * (dp[0] - along) * scale,
    p[1] * (dp[1] - along) * scale,
    p[2] * (dp[2] - along) * scale,
    p[3] * (dp[3] - along) * scale,
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

fn store(x: mat4x4f, key: vec4u, channel: u32, third: u32, group: vec3u) {
  if (channel >= D / 4) { return; }
  for (var i = 0u; i < 4 && key[i] < blocks[group.x].z; i++) {
    dqkv[(key[i] * 3 * H + third * H + group.y * D) / 4 + channel] = x[i];
  }
}

@compute @workgroup_size(4, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let first = blocks[group.x].x;
  let start = blocks[group.x].y;
  let end = blocks[group.x].z;
  let queries = inReach(blocks[group.x]);
  let row = 3 * H / 4;
  let head = group.y * D / 4;
  let N = H / D;
  let low = vec4u(0, 1, 2, 3);
  let keyA = first + TILE * thread.x + low;
  let keyB = keyA + 4;
  let nearA = min(keyA, vec4u(end - 1));
  let nearB = min(keyB, vec4u(end - 1));
  let kA = nearA * row + row / 3 + head;
  let kB = nearB * row + row / 3 + head;
  let channel = 2 * (thread.y % CHANNELS + 8 * group.z);
  let channels = head + min(vec2u(channel, channel + 1), vec2u(D / 4 - 1));
  let share = thread.y / CHANNELS;
  let at = 64 * thread.y + thread.x;

  var dk = Tile(); // (key, channel)
  var dv = Tile();
  for (var block = queries.x; block < queries.y; block += STEP) {
    let queryA = block + TILE * thread.y + low;
    let queryB = queryA + 4;
    let closeA = min(queryA, vec4u(end - 1));
    let closeB = min(queryB, vec4u(end - 1));
    let any = queryA.x < queries.y;
    var p = Tile(); // (key, query)
    if (any) {
      let s = products(kA, kB, closeA * row + head, closeB * row + head);
      let lseA = fromLogSumExp(closeA * N + group.y);
      let lseB = fromLogSumExp(closeB * N + group.y);
      p.aa = softmax(s.aa, lseA, nearA, queryA, end, group.y);
      p.ab = softmax(s.ab, lseB, nearA, queryB, end, group.y);
      p.ba = softmax(s.ba, lseA, nearB, queryA, end, group.y);
      p.bb = softmax(s.bb, lseB, nearB, queryB, end, group.y);
      keep(at, dropped(p.aa, queryA, keyA - start, group.y));
      keep(at + 16, dropped(p.ba, queryA, keyB - start, group.y));
      keep(at + 32, dropped(p.ab, queryB, keyA - start, group.y));
      keep(at + 48, dropped(p.bb, queryB, keyB - start, group.y));
    }
    workgroupBarrier();
    if (share < SHARES) { dv = addContexts(dv, vec2u(block, queries.y), share, channels, thread); }
    workgroupBarrier();

    if (any) {
      let dp = dproducts(kA + row / 3, kB + row / 3, closeA * (H / 4) + head, closeB * (H / 4) + head);
      let alongA = fromDelta(closeA * N + group.y);
      let alongB = fromDelta(closeB * N + group.y);
      keep(at, dscores(p.aa, dropped(dp.aa, queryA, keyA - start, group.y), alongA));
      keep(at + 16, dscores(p.ba, dropped(dp.ba, queryA, keyB - start, group.y), alongA));
      keep(at + 32, dscores(p.ab, dropped(dp.ab, queryB, keyA - start, group.y), alongB));
      keep(at + 48, dscores(p.bb, dropped(dp.bb, queryB, keyB - start, group.y), alongB));
    }
    workgroupBarrier();
    if (share < SHARES) { dk = addQueries(dk, vec2u(block, queries.y), share, channels, thread); }
    workgroupBarrier();
  }

  dk = gathered(dk, thread);
  dv = gathered(dv, thread);
  if (share > 0) { return; }
  store(dk.aa, keyA, channel, 1, group);
  store(dk.ab, keyA, channel + 1, 1, group);
  store(dk.ba, keyB, channel, 1, group);
  store(dk.bb, keyB, channel + 1, 1, group);
  store(dv.aa, keyA, channel, 2, group);
  store(dv.ab, keyA, channel + 1, 2, group);
  store(dv.ba, keyB, channel, 2, group);
  store(dv.bb, keyB, channel + 1, 2, group);
}
