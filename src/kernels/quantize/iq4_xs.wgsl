// IQ4_XS: 256 nibbles that stand for points of a curve,
// w = d * s * point[level] by groups of 32.
//
// A block: d, 2 bytes of upper and 4 of lower bits of 8 scales of 6 bits, 128
// bytes of nibbles.

fn fit(place: Place) {
  let x = load(place.quad);
  scales[place.lane] = fit_curve(x);
}

fn finish(place: Place) {
  var top = 0.0;
  for (var j = 0u; j < 8u; j++) {
    let scale = scales[place.block * 8u + j];
    if (abs(scale) > abs(top)) {
      top = scale;
    }
  }
  var d = 0.0;
  block_scales[place.block] = 0x8000u; // -0, as -top / 32 is
  if (top != 0.0) {
    d = mul(-top, 1.0 / 32.0);
    block_scales[place.block] = to_half(d);
  }
  let code = nearest(mul(inverse_of(d), scales[place.lane]));
  let level = clamp(code, -32, 31);
  scale_codes[place.lane] = u32(level + 32);
  let inverse = inverse_of(mul(d, f32(level)));
  // Loaded once more, as a loop over what is in registers takes more code.
  for (var q = 0u; q < 8u; q++) {
    let x = bitcast<vec4f>(quad(place.quad + q));
    levels[place.word + q] = levels_of(x, inverse);
  }
}

fn half_of(block: u32, i: u32) -> u32 {
  let j = block * 8u;
  if (i == 0u) {
    return block_scales[block];
  }
  if (i == 1u) {
    return upper_bits(j) | (upper_bits(j + 4u) << 8u);
  }
  if (i < 4u) {
    return lower_bits(j + (i - 2u) * 4u);
  }
  let k = i - 4u;
  let first = (k >> 3u) * 32u + (k & 7u) * 2u;
  return levels_at(block, first) | (levels_at(block, first + 16u) << 4u);
}

fn upper_bits(j: u32) -> u32 {
  return (scale_codes[j] >> 4u) | ((scale_codes[j + 1u] >> 4u) << 2u) |
    ((scale_codes[j + 2u] >> 4u) << 4u) | ((scale_codes[j + 3u] >> 4u) << 6u);
}

fn lower_bits(j: u32) -> u32 {
  return (scale_codes[j] & 15u) | ((scale_codes[j + 1u] & 15u) << 4u) |
    ((scale_codes[j + 2u] & 15u) << 8u) | ((scale_codes[j + 3u] & 15u) << 12u);
}
