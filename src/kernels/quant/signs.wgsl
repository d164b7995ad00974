// Signs of weights that are found as magnitudes, four bytes a word: a bit each,
// set where the weight is negative.
// Joined before a codec.

// Eight signs from the first seven: the number of negative ones is even. Bits
// past the eighth are not cleared.
fn even_signs(seven: vec4u) -> vec4u {
  let bits = seven & vec4u(0x7fu);
  return bits | (countOneBits(bits) << vec4u(7u));
}

// Weights of magnitudes that are not 0, by the lowest four bits of `signs`.
fn with_signs(magnitudes: vec4u, signs: vec4u) -> vec4u {
  // Bit i moves to byte i; no two bits of the product meet.
  let bits = ((signs & vec4u(15u)) * vec4u(0x00204081u)) & vec4u(0x01010101u);
  // -m = ~m + 1, without a carry as m is not 0.
  return (magnitudes ^ (bits * vec4u(0xffu))) + bits;
}
