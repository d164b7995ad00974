// Q4_K and Q5_K: 256 levels of 4 or 5 bits, w = d * s * level - dmin * m by
// groups of 32.
//
// A block: d, dmin, 12 bytes of scales and minimums of 6 bits, 32 of fifth bits
// (Q5_K), 128 of nibbles.

var<private> found: AffineFit;

fn fit(place: Place) {
  let x = load(place.quad);
  check_largest(largest_of(x).size);
  found = fit_affine(x, root(mul(squares_of(x), 1.0 / 32.0)));
  scales[place.lane] = found.line.scale;
  mins[place.lane] = -found.line.least;
}

fn finish(place: Place) {
  var top = 0.0;
  var top_min = 0.0;
  for (var j = 0u; j < 8u; j++) {
    top = max(top, scales[place.block * 8u + j]);
    top_min = max(top_min, mins[place.block * 8u + j]);
  }
  // Where both are zeros max() may give that with a sign.
  let d = to_half(div(top, 63.0)) & 0x7fffu;
  let dmin = to_half(div(top_min, 63.0)) & 0x7fffu;
  let code = code_of(found.line.scale, top);
  let min_code = code_of(-found.line.least, top_min);
  scale_codes[place.lane] = code;
  min_codes[place.lane] = min_code;
  block_scales[place.block] = d;
  block_mins[place.block] = dmin;
  let line = Line(
    mul(from_half(d), f32(code)),
    mul(from_half(dmin), f32(min_code)),
  );
  // Loaded once more, as a loop over what is in registers takes more code.
  for (var q = 0u; q < 8u; q++) {
    let x = bitcast<vec4f>(quad(place.quad + q));
    levels[place.word + q] = levels_of(x, line, found.trial);
  }
}

// A scale or minimum in 6 bits.
fn code_of(value: f32, top: f32) -> u32 {
  if (top <= 0.0) {
    return 0u;
  }
  return min(63u, u32(nearest(mul(div(63.0, top), value))) & 255u);
}

fn half_of(block: u32, i: u32) -> u32 {
  if (i == 0u) {
    return block_scales[block];
  }
  if (i == 1u) {
    return block_mins[block];
  }
  if (i < 8u) {
    let k = (i - 2u) * 2u;
    return code_byte(block, k) | (code_byte(block, k + 1u) << 8u);
  }
  var k = i - 8u;
  if (MOST == 31) {
    if (k < 16u) {
      return fifth_bits(block, k * 2u);
    }
    k -= 16u;
  }
  let first = (k >> 4u) * 64u + (k & 15u) * 2u;
  return (levels_at(block, first) & 0x0f0fu) |
    ((levels_at(block, first + 32u) & 0x0f0fu) << 4u);
}

// Byte k of the 12 of scales and minimums.
fn code_byte(block: u32, k: u32) -> u32 {
  let j = block * 8u + (k & 3u);
  if (k < 4u) {
    return scale_codes[j] | ((scale_codes[j + 4u] >> 4u) << 6u);
  }
  if (k < 8u) {
    return min_codes[j] | ((min_codes[j + 4u] >> 4u) << 6u);
  }
  return (scale_codes[j + 4u] & 15u) | ((min_codes[j + 4u] & 15u) << 4u);
}

// Bytes i and i + 1 of the fifth bits: a bit of each group.
fn fifth_bits(block: u32, i: u32) -> u32 {
  return fifth_bit(block, i, 0u) | fifth_bit(block, i, 1u) |
    fifth_bit(block, i, 2u) | fifth_bit(block, i, 3u) |
    fifth_bit(block, i, 4u) | fifth_bit(block, i, 5u) |
    fifth_bit(block, i, 6u) | fifth_bit(block, i, 7u);
}

fn fifth_bit(block: u32, i: u32, j: u32) -> u32 {
  return ((levels_at(block, 32u * j + i) >> 4u) & 0x0101u) << j;
}
