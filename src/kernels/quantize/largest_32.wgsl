// The weight of a block of 32 that is farthest from 0.

fn largest_of(x: Block) -> Largest {
  var best = take_each(Largest(0u, 0u), x.a);
  best = take_each(best, x.b);
  best = take_each(best, x.c);
  best = take_each(best, x.d);
  best = take_each(best, x.e);
  best = take_each(best, x.f);
  best = take_each(best, x.g);
  return take_each(best, x.h);
}

// Neither tiny nor near what a scale of 16 bits can hold: 2^-100 to 2^15.
fn check_size(size: u32) {
  if (size != 0u && (size < 0x0d800000u || size > 0x47000000u)) {
    unsure = true;
  }
}
