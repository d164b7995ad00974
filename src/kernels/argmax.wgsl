// The most likely token: id = argmax(logits[row]), and what follows of it.
//
//   logits [rows, stride]  f32
//
// One workgroup. Lanes take every WORKGROUP_SIZE-th logit, eight loads before
// the loop goes round, as the latency of loads is what it waits for.
// Joined behind choice.wgsl, in front of consider.wgsl.

@group(0) @binding(0) var<storage, read> logits: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let first = first_logit();
  best = vec2u(0u, NONE);
  for (var i = lane; i < params.size; i += 8u * WORKGROUP_SIZE) {
    consider(first, i);
    consider(first, i + WORKGROUP_SIZE);
    consider(first, i + 2u * WORKGROUP_SIZE);
    consider(first, i + 3u * WORKGROUP_SIZE);
    consider(first, i + 4u * WORKGROUP_SIZE);
    consider(first, i + 5u * WORKGROUP_SIZE);
    consider(first, i + 6u * WORKGROUP_SIZE);
    consider(first, i + 7u * WORKGROUP_SIZE);
  }
  reduce_best(best.x, best.y, lane);
  if (lane != 0u) {
    return;
  }
  if (control[ALIVE] == 0u) {
    choose_none();
  } else {
    choose(select(best_id[0], NOT_A_NUMBER, best_key[0] == NAN_KEY));
  }
}
