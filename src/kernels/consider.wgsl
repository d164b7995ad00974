// The best logit of a row, for argmax.wgsl and sample.wgsl. Lanes take every
// WORKGROUP_SIZE-th one, eight loads before the loop goes round, as the latency of
// loads is what it waits for.

var<private> best: vec2u; // key, id

fn consider(first: u32, i: u32) {
  if (i < params.size) {
    let key = key_of(logits[first + i]);
    // Ids come in ascending order: the first of equals stays.
    if (key > best.x) {
      best = vec2u(key, i);
    }
  }
}

// Left in best_key[0] and best_id[0].
fn find_best(first: u32, lane: u32) {
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
}
