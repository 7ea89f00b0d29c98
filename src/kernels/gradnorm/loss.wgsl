// loss = mean of a batch's losses, added to that of the batches before it in the same step. One workgroup.
//   0 counts       this batch's B and its number in the step
//   1 losses  (B)
//   2 state        its `loss`, in and out

const THREADS = 64u;

struct Counts { T: u32, S: u32, B: u32, blocks: u32, seed: u32, firstToken: u32, batch: u32, batches: u32 }
struct State { loss: f32 }

@group(0) @binding(0) var<uniform> counts: Counts;
@group(0) @binding(1) var<storage, read> losses: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: State;

var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  var local = 0.0;
  for (var b = thread; b < counts.B; b += THREADS) { local += losses[b]; }
  sums[thread] = local;
  workgroupBarrier();
  for (var stride = THREADS / 2; stride > 0; stride /= 2) {
    if (thread < stride) { sums[thread] += sums[thread + stride]; }
    workgroupBarrier();
  }
  if (thread != 0) { return; }
  // Not added to a sum that is left of another step, which may be infinite.
  let before = select(state.loss, 0.0, counts.batch == 0);
  state.loss = before + sums[0] / f32(counts.B);
}
