// The best of the logits that a lane has seen; for argmax.wgsl and sample.wgsl.

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
