// The most likely token: id = argmax(logits[row]), and what follows of it.
//
//   logits [rows, stride]  f32
//
// One workgroup.
// Joined behind choice.wgsl, in front of consider.wgsl.

@group(0) @binding(0) var<storage, read> logits: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  find_best(first_logit(), lane);
  if (lane != 0u) {
    return;
  }
  if (!is_alive()) {
    choose_none();
  } else {
    choose(select(best_id[0], NOT_A_NUMBER, best_key[0] == NAN_KEY));
  }
}
