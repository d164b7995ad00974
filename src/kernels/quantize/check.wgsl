// Which weights the searches for scales take: products of six of them are to
// stay within the range of floats.

// Each is 0 or not below 2^-40, and finite.
fn check(bits: vec4u) -> vec4u {
  let size = bits & vec4u(0x7fffffffu);
  let small = size < vec4u(0x2b800000u);
  if (any(small & (size != vec4u(0u))) || any(size >= vec4u(0x7f800000u))) {
    unsure = true;
  }
  return bits;
}

// The largest of a group is 0, or from 2^-20 to 2^12.
fn check_largest(size: u32) {
  if (size != 0u && (size < 0x35800000u || size > 0x45800000u)) {
    unsure = true;
  }
}
