// The weight that is farthest from 0, by its bits.

struct Largest {
  // Its bits without the sign.
  size: u32,
  // Its bits; 0 where no weight is larger.
  bits: u32,
}

fn take(best: Largest, bits: u32) -> Largest {
  let size = bits & 0x7fffffffu;
  if (size > best.size) {
    return Largest(size, bits);
  }
  return best;
}

// The largest of all so far, the first of those.
fn take_each(best: Largest, v: vec4u) -> Largest {
  return take(take(take(take(best, v.x), v.y), v.z), v.w);
}
