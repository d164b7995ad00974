// Q2_K: 256 levels of 2 bits, w = d * s * level - dmin * m by groups of 16.
//
// A block: 16 bytes of a scale and a minimum, 64 bytes of levels, d, dmin.

var<private> found: AffineFit;

fn fit(place: Place) {
  let x = load(place.quad);
  check_largest(largest_of(x).size);
  found = fit_affine(x, 0.0);
  scales[place.lane] = found.line.scale;
  mins[place.lane] = -found.line.least;
}

fn finish(place: Place) {
  var top = 0.0;
  var top_min = 0.0;
  for (var j = 0u; j < 16u; j++) {
    top = max(top, scales[place.block * 16u + j]);
    top_min = max(top_min, mins[place.block * 16u + j]);
  }
  // Where both are zeros max() may give that with a sign.
  let d = to_half(div(top, 15.0)) & 0x7fffu;
  let dmin = to_half(div(top_min, 15.0)) & 0x7fffu;
  let code = (code_of(found.line.scale, top) |
    (code_of(-found.line.least, top_min) << 4u)) & 255u;
  scale_codes[place.lane] = code;
  block_scales[place.block] = d;
  block_mins[place.block] = dmin;
  let line = Line(
    mul(from_half(d), f32(code & 15u)),
    mul(from_half(dmin), f32(code >> 4u)),
  );
  // Loaded once more, as a loop over what is in registers takes more code.
  for (var q = 0u; q < 4u; q++) {
    let x = bitcast<vec4f>(quad(place.quad + q));
    levels[place.word + q] = levels_of(x, line, found.trial);
  }
}

// A scale or minimum in 4 bits; as in llama.cpp nothing limits what is below 0.
fn code_of(value: f32, top: f32) -> u32 {
  if (top <= 0.0) {
    return 0u;
  }
  return u32(nearest(mul(div(15.0, top), value)));
}

fn half_of(block: u32, i: u32) -> u32 {
  if (i < 8u) {
    let j = block * 16u + i * 2u;
    return scale_codes[j] | (scale_codes[j + 1u] << 8u);
  }
  if (i < 40u) {
    return pairs_at(block, i - 8u);
  }
  if (i == 40u) {
    return block_scales[block];
  }
  return block_mins[block];
}
