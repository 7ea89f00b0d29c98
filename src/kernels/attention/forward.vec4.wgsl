// forward.wgsl for heads whose channels are a multiple of four. A thread has eight rows and eight columns of each product, and loads four
// numbers at once. One workgroup per (block of 32 queries of one text, head, 64 of its channels); the keys pass by in steps of 64. Four
// threads lie along the queries; eight along the keys, and along the channels when the weights of a step meet the values. No loop
// holds more than a tile of numbers and its operands; all else rests in the meantime. Bindings as in forward.wgsl, 1 and 4 as vec4.

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
@group(0) @binding(4) var<storage, read_write> context: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> logSumExp: array<f32>;

var<workgroup> highs: array<vec4f, 64>; // [thread along the keys][half of its queries][thread along the queries]
var<workgroup> weights: array<vec4f, 512>; // of four keys each: [key / 4][row of a thread][thread along the queries]

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

fn scores(x: mat4x4f, query: vec4u, key: vec4u, end: u32, head: u32) -> mat4x4f {
  let scale = 1.0 / sqrt(f32(D));
  let gone = select(vec4f(LOWEST), vec4f(), key < vec4u(end));
  let near = min(key, vec4u(end - 1));
  return mat4x4f(
    seen(x[0] * scale + gone, query.x, near, head),
    seen(x[1] * scale + gone, query.y, near, head),
    seen(x[2] * scale + gone, query.z, near, head),
    seen(x[3] * scale + gone, query.w, near, head),
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

fn most(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
fn highest(x: mat4x4f, y: mat4x4f) -> vec4f {
  return vec4f(most(max(x[0], y[0])), most(max(x[1], y[1])), most(max(x[2], y[2])), most(max(x[3], y[3])));
}
fn rowSums(x: mat4x4f, y: mat4x4f) -> vec4f { return vec4f(1) * (x + y); }
fn powers(x: mat4x4f, top: vec4f) -> mat4x4f {
  return mat4x4f(exp(x[0] - top.x), exp(x[1] - top.y), exp(x[2] - top.z), exp(x[3] - top.w));
}
fn scaled(x: mat4x4f, by: vec4f) -> mat4x4f { return mat4x4f(x[0] * by.x, x[1] * by.y, x[2] * by.z, x[3] * by.w); }

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
    context[(query[i] * H + group.y * D) / 4 + channel] = x[i];
  }
}

@compute @workgroup_size(4, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let first = blocks[group.x].x;
  let start = blocks[group.x].y;
  let end = blocks[group.x].z;
  let keys = inReach(blocks[group.x]);
  let row = 3 * H / 4;
  let head = group.y * D / 4;
  let low = vec4u(0, 1, 2, 3);
  let queryA = first + TILE * thread.x + low;
  let queryB = queryA + 4;
  let nearA = min(queryA, vec4u(end - 1));
  let nearB = min(queryB, vec4u(end - 1));
  let channel = 2 * (thread.y % CHANNELS + 8 * group.z);
  let share = thread.y / CHANNELS;
  let channelA = 2 * row / 3 + head + min(channel, D / 4 - 1);
  let channelB = 2 * row / 3 + head + min(channel + 1, D / 4 - 1);

  var acc = Tile(); // (query, channel)
  var topA = vec4f(LOWEST);
  var topB = vec4f(LOWEST);
  var totalA = vec4f();
  var totalB = vec4f();
  for (var block = keys.x; block < keys.y; block += STEP) {
    let keyA = block + TILE * thread.y + low;
    let keyB = keyA + 4;
    let any = keyA.x < keys.y;
    var s = Tile(); // (query, key)
    var highA = vec4f(LOWEST);
    var highB = vec4f(LOWEST);
    if (any) {
      let k = row / 3 + head;
      s = products(nearA * row + head, nearB * row + head, min(keyA, vec4u(end - 1)) * row + k, min(keyB, vec4u(end - 1)) * row + k);
      s.aa = scores(s.aa, nearA, keyA, end, group.y);
      s.ab = scores(s.ab, nearA, keyB, end, group.y);
      s.ba = scores(s.ba, nearB, keyA, end, group.y);
      s.bb = scores(s.bb, nearB, keyB, end, group.y);
      highA = highest(s.aa, s.ab);
      highB = highest(s.ba, s.bb);
    }
    highs[8 * thread.y + thread.x] = highA;
    highs[8 * thread.y + 4 + thread.x] = highB;
    workgroupBarrier();

    highA = topA;
    highB = topB;
    for (var i = 0u; i < 8; i++) {
      highA = max(highA, highs[8 * i + thread.x]);
      highB = max(highB, highs[8 * i + 4 + thread.x]);
    }
    let shrinkA = exp(topA - highA);
    let shrinkB = exp(topB - highB);
    topA = highA;
    topB = highB;
    totalA *= shrinkA;
    totalB *= shrinkB;
    if (any) {
      s = Tile(powers(s.aa, topA), powers(s.ab, topA), powers(s.ba, topB), powers(s.bb, topB));
      totalA += rowSums(s.aa, s.ab);
      totalB += rowSums(s.ba, s.bb);
      let at = 64 * thread.y + thread.x;
      keep(at, dropped(s.aa, queryA, keyA - start, group.y));
      keep(at + 16, dropped(s.ba, queryB, keyA - start, group.y));
      keep(at + 32, dropped(s.ab, queryA, keyB - start, group.y));
      keep(at + 48, dropped(s.bb, queryB, keyB - start, group.y));
    }
    workgroupBarrier();

    if (share < SHARES) {
      var aa = scaled(acc.aa, shrinkA);
      var ab = scaled(acc.ab, shrinkA);
      var ba = scaled(acc.ba, shrinkB);
      var bb = scaled(acc.bb, shrinkB);
      for (var j = 4 * share; j < min(STEP, keys.y - block); j += 4 * SHARES) {
        let v = min(block + j + low, vec4u(end - 1)) * row;
        let valuesA = fromQkv(v + channelA);
        let valuesB = fromQkv(v + channelB);
        let weightsA = kept(8 * j + thread.x);
        let weightsB = kept(8 * j + 16 + thread.x);
        aa += valuesA * weightsA;
        ab += valuesB * weightsA;
        ba += valuesA * weightsB;
        bb += valuesB * weightsB;
      }
      acc = Tile(aa, ab, ba, bb);
    }
  }

  // Each thread has added up the weights of its own keys, and with SHARES > 1 the values of some.
  highs[8 * thread.y + thread.x] = totalA;
  highs[8 * thread.y + 4 + thread.x] = totalB;
  workgroupBarrier();
  totalA = vec4f();
  totalB = vec4f();
  for (var i = 0u; i < 8; i++) {
    totalA += highs[8 * i + thread.x];
    totalB += highs[8 * i + 4 + thread.x];
  }
  acc = gathered(acc, thread);
  if (share == 0) {
    store(scaled(acc.aa, 1 / totalA), queryA, channel, group);
    store(scaled(acc.ab, 1 / totalA), queryA, channel + 1, group);
    store(scaled(acc.ba, 1 / totalB), queryB, channel, group);
    store(scaled(acc.bb, 1 / totalB), queryB, channel + 1, group);
  }
  if (thread.y == 0 && group.z == 0) {
    let lseA = topA + log(totalA);
    let lseB = topB + log(totalB);
    for (var i = 0u; i < 4; i++) {
      if (queryA[i] < end) { logSumExp[queryA[i] * (H / D) + group.y] = lseA[i]; }
      if (queryB[i] < end) { logSumExp[queryB[i] * (H / D) + group.y] = lseB[i]; }
    }
  }
}
