// found = every (b, s) whose product queries[b] · documents[s] reaches limits[b], in any order. The count goes on where there is
// no room for more. A workgroup makes a tile of 64 queries × 64 documents, 16 dimensions at a time; each thread holds 8 × 8
// products in registers, as four matrices. Rows past the edge are read again from the last one and not told, dimensions past
// the end are zeros.
//   0 sizes      B, S, H
//   1 queries    (B, H)
//   2 documents  (S, H)
//   3 limits     (B)
//   4 found      the count, then as many [b · S + s, bits of the product] as are bound  out

const SIDE = 64u;
const DEPTH = 16u;
const QUADS = SIDE / 4;
// Threads side by side store dimensions side by side: with an odd stride those lie in different banks.
const STRIDE = QUADS + 1;

struct Sizes { B: u32, S: u32, H: u32 }
struct Found { count: atomic<u32>, pairs: array<vec2u> }

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> documents: array<f32>;
@group(0) @binding(3) var<storage, read> limits: array<f32>;
@group(0) @binding(4) var<storage, read_write> found: Found;

// (DEPTH, QUADS): one dimension of four rows each. Whole vectors are written: writing a part may touch all of one.
var<workgroup> queryTile: array<vec4f, DEPTH * STRIDE>;
var<workgroup> documentTile: array<vec4f, DEPTH * STRIDE>;

fn rowsFrom(first: u32, count: u32) -> vec4u { return min(first + vec4u(0, 1, 2, 3), vec4u(count - 1)) * sizes.H; }
fn fromQueries(at: vec4u) -> vec4f { return vec4f(queries[at.x], queries[at.y], queries[at.z], queries[at.w]); }
fn fromDocuments(at: vec4u) -> vec4f {
  return vec4f(documents[at.x], documents[at.y], documents[at.z], documents[at.w]);
}

// Column i holds q[i] · d.
fn outer(q: vec4f, d: vec4f) -> mat4x4f { return mat4x4f(q.x * d, q.y * d, q.z * d, q.w * d); }

fn tell(b: u32, s: u32, products: vec4f) {
  if (b >= sizes.B) { return; }
  let limit = limits[b];
  if (!any(products >= vec4f(limit))) { return; }
  for (var j = 0u; j < 4 && s + j < sizes.S; j++) {
    if (products[j] < limit) { continue; }
    let place = atomicAdd(&found.count, 1);
    if (place < arrayLength(&found.pairs)) { found.pairs[place] = vec2u(b * sizes.S + s + j, bitcast<u32>(products[j])); }
  }
}

// Not a loop: an index that varies may move the matrix out of the registers.
fn tellAll(b: u32, s: u32, products: mat4x4f) {
  tell(b, s, products[0]);
  tell(b + 1, s, products[1]);
  tell(b + 2, s, products[2]);
  tell(b + 3, s, products[3]);
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let b = group.x * SIDE;
  let s = group.y * SIDE;

  var aa = mat4x4f();
  var ab = mat4x4f();
  var ba = mat4x4f();
  var bb = mat4x4f();
  for (var start = 0u; start < sizes.H; start += DEPTH) {
    let k = thread % DEPTH;
    for (var quad = thread / DEPTH; quad < QUADS; quad += SIDE / DEPTH) {
      var q = vec4f();
      var d = vec4f();
      if (start + k < sizes.H) {
        q = fromQueries(rowsFrom(b + quad * 4, sizes.B) + start + k);
        d = fromDocuments(rowsFrom(s + quad * 4, sizes.S) + start + k);
      }
      queryTile[k * STRIDE + quad] = q;
      documentTile[k * STRIDE + quad] = d;
    }
    workgroupBarrier();
    for (var i = 0u; i < DEPTH * STRIDE; i += STRIDE) {
      let qA = queryTile[i + local.x];
      let qB = queryTile[i + local.x + QUADS / 2];
      let dA = documentTile[i + local.y];
      let dB = documentTile[i + local.y + QUADS / 2];
      aa += outer(qA, dA);
      ab += outer(qA, dB);
      ba += outer(qB, dA);
      bb += outer(qB, dB);
    }
    workgroupBarrier();
  }

  let bA = b + local.x * 4;
  let sA = s + local.y * 4;
  tellAll(bA, sA, aa);
  tellAll(bA, sA + SIDE / 2, ab);
  tellAll(bA + SIDE / 2, sA, ba);
  tellAll(bA + SIDE / 2, sA + SIDE / 2, bb);
}
