// Turns the channels c and c + D/2 of every head of the queries and keys by the angle of the token's place (Su et al., RoFormer, 2021);
// with BACK = 1 by the opposite angle, which takes a gradient back. One thread per pair of channels.
//   0 counts           this batch's T
//   1 places  (T)      place of the token in its text
//   2 angles  (P, D)   of each place D/2 cosines, then D/2 sines
//   3 qkv     (T, 3H)  in and out: the query and key thirds

override H: u32 = 2;
override D: u32 = 2;
override BACK: u32 = 0;
const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> angles: array<f32>;
@group(0) @binding(3) var<storage, read_write> qkv: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * THREADS + id.x;
  if (i >= counts.T * H) { return; }
  let t = i / H;
  let pair = i % H; // 2H channels, so H pairs
  let c = pair % (D / 2);
  let at = t * 3 * H + pair / (D / 2) * D + c;
  let cosine = angles[places[t] * D + c];
  var sine = angles[places[t] * D + D / 2 + c];
  if (BACK == 1) { sine = -sine; }
  let one = qkv[at];
  let two = qkv[at + D / 2];
  qkv[at] = one * cosine - two * sine;
  qkv[at + D / 2] = two * cosine + one * sine;
}
