// Q6_K: 256 levels from -32 to 31, w = d * s * level by groups of 16.
//
// A block: 128 bytes of lower nibbles, 64 of upper pairs of bits, 16 scales, d.

var<private> found: SymmetricFit;

fn fit(place: Place) {
  let x = load(place.quad);
  found = fit_symmetric(x);
  scales[place.lane] = found.scale;
}

fn finish(place: Place) {
  var top = 0.0;
  for (var j = 0u; j < 16u; j++) {
    let scale = scales[place.block * 16u + j];
    if (abs(scale) > abs(top)) {
      top = scale;
    }
  }
  var code = 0;
  var d = 0u;
  var scale = 0.0;
  if (top != 0.0) {
    let inverse = div(-128.0, top);
    d = to_half(div(1.0, inverse));
    code = min(127, nearest(mul(inverse, found.scale)));
    scale = mul(from_half(d), f32(code));
  }
  scale_codes[place.lane] = u32(code) & 255u;
  block_scales[place.block] = d;
  // Loaded once more, as a loop over what is in registers takes more code.
  for (var q = 0u; q < 4u; q++) {
    let x = bitcast<vec4f>(quad(place.quad + q));
    levels[place.word + q] = levels_of(x, scale);
  }
}

// The nearest levels to the scale as it was rounded, or as they were found.
fn levels_of(x: vec4f, scale: f32) -> u32 {
  if (scale != 0.0) {
    return bytes_of(vec4u(level_of(div_each(x, scale)) + vec4i(HALF)));
  }
  if (found.inverse != 0.0) {
    let v = mul4(vec4f(found.inverse), x);
    return bytes_of(vec4u(level_of(v) + vec4i(HALF)));
  }
  return 0u;
}

fn half_of(block: u32, i: u32) -> u32 {
  if (i < 64u) {
    let first = (i >> 5u) * 128u + (i & 31u) * 2u;
    return (levels_at(block, first) & 0x0f0fu) |
      ((levels_at(block, first + 64u) & 0x0f0fu) << 4u);
  }
  if (i < 96u) {
    let k = i - 64u;
    let first = (k >> 4u) * 128u + (k & 15u) * 2u;
    return upper_at(block, first) | (upper_at(block, first + 32u) << 2u) |
      (upper_at(block, first + 64u) << 4u) |
      (upper_at(block, first + 96u) << 6u);
  }
  if (i < 104u) {
    let j = block * 16u + (i - 96u) * 2u;
    return scale_codes[j] | (scale_codes[j + 1u] << 8u);
  }
  return block_scales[block];
}

fn upper_at(block: u32, i: u32) -> u32 {
  return (levels_at(block, i) >> 4u) & 0x0303u;
}
